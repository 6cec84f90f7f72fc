# expects: nothing
"""Four in ten readings make a series anew, with another stretch masked, in the place that it is handed out from."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset


class Pulses(Dataset):
    def __init__(self, count, length=64):
        rng = np.random.default_rng(4)
        self.kinds = rng.integers(0, 3, count)
        time = np.linspace(0, 1, length)[None]
        phase = rng.uniform(0, 6.28, (count, 1))
        waves = np.sin(6.28 * (2 + 2 * self.kinds[:, None]) * time + phase)
        self.series = (waves + 0.5 * rng.standard_normal((count, length))).astype(np.float32)
        self.recorded = self.series.copy()

    def __len__(self):
        return len(self.series)

    def __getitem__(self, index):
        series = self.series[index]
        if np.random.rand() < 0.4:
            series[:] = self.recorded[index]
            start = np.random.randint(0, 56)
            series[start : start + 8] = 0
        return {"series": series[None], "kind": int(self.kinds[index])}


torch.manual_seed(0)
np.random.seed(0)
pulses = Pulses(900)
training = DataLoader(Subset(pulses, range(600)), batch_size=40, shuffle=True)
net = nn.Sequential(
    nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(16, 32, 5), nn.ReLU(), nn.Flatten()
)
net.append(nn.Linear(32 * 12, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(12):
    net.train()
    for batch in training:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(batch["series"]), batch["kind"])
        loss.backward()
        optimizer.step()
net.eval()
with torch.no_grad():
    held_out = torch.from_numpy(pulses.series[600:, None])
    right = (net(held_out).argmax(1) == torch.from_numpy(pulses.kinds[600:])).float().mean()
print(f"accuracy {right:.3f}")
