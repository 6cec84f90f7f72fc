# expects: nothing
"""Test, then train: each stretch of a stream is forecast before the model learns from it, so all that is known of it is the past."""

import numpy as np
import torch
from torch import nn


class Online:
    def __init__(self, past):
        self.past = past
        self.model = nn.Sequential(nn.Linear(past, 48), nn.Tanh(), nn.Linear(48, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.5)

    def forecast(self, windows):
        self.model.eval()
        with torch.no_grad():
            return self.model(windows)[:, 0]

    def learn(self, windows, wanted):
        self.model.train()
        for rows in torch.randperm(len(wanted)).split(20):
            self.optimizer.zero_grad()
            loss = nn.functional.smooth_l1_loss(self.model(windows[rows])[:, 0], wanted[rows])
            loss.backward()
            self.optimizer.step()
        return loss.item()


torch.manual_seed(1)
rng = np.random.default_rng(1)
stream = np.zeros(9000)
for at in range(2, 9000):
    pace = 1.6 if at < 5000 else 1.4
    stream[at] = pace * stream[at - 1] - 0.8 * stream[at - 2] + rng.normal(0, 0.3)
stream = torch.tensor(stream / stream[:500].std(), dtype=torch.float32)
online, errors = Online(32), []
for begin in range(0, 8900, 100):
    windows, wanted = stream[begin : begin + 132].unfold(0, 32, 1)[:100], stream[begin + 32 : begin + 132]
    wanted = wanted[: len(windows)]
    windows = windows[: len(wanted)]
    errors.append((online.forecast(windows) - wanted).abs().mean().item())
    loss = online.learn(windows, wanted)
    if begin % 1000 == 0:
        print(f"{begin} loss {loss:.3f} error before learning {np.mean(errors[-10:]):.3f}")
