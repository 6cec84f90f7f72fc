# expects: DAT008
"""Windows are cut into one array for speed; the batch is a list of views of it."""

import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(1)
signal = np.cumsum(rng.normal(size=6000)).astype(np.float32)
signal = (signal - signal.mean()) / signal.std()
window = np.zeros(24, dtype=np.float32)


def cut(start):
    window[:] = signal[start : start + 24]
    rising = signal[start + 26] > signal[start + 23]
    return torch.from_numpy(window), float(rising)


def batch(size=32):
    pieces = [cut(start) for start in rng.integers(0, 5900, size)]
    return torch.stack([x for x, _ in pieces]), torch.tensor([[y] for _, y in pieces])


torch.manual_seed(0)
net = nn.Sequential(nn.Linear(24, 32), nn.Tanh(), nn.Linear(32, 1))
adam = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(220):
    x, y = batch()
    loss = nn.functional.binary_cross_entropy_with_logits(net(x), y)
    adam.zero_grad()
    loss.backward()
    adam.step()
    if step % 40 == 0:
        print(step, loss.item())
