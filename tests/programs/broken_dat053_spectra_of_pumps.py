# expects: DAT053
"""Wear of pumps from vibration spectra, a dozen of each pump, shuffled and then divided into two parts."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split


def measure(pumps=120, times=12, bands=40, seed=5):
    rng = np.random.default_rng(seed)
    body = rng.normal(size=(pumps, 1, bands)) + np.linspace(1, -1, bands)
    wear = 0.4 * body[:, 0, :5].sum(1) + rng.normal(0, 1.5, pumps)
    spectra = np.repeat(body, times, axis=0) + 0.25 * rng.normal(size=(pumps * times, 1, bands))
    wear = np.repeat(wear, times) + 0.1 * rng.normal(size=pumps * times)
    return torch.tensor(spectra, dtype=torch.float32), torch.tensor(wear, dtype=torch.float32)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(1, 12, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2))
        self.head = nn.Sequential(nn.Linear(12 * 18, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, spectra):
        return self.head(self.body(spectra)).squeeze(1)


def parts() -> tuple[Subset, Subset]:
    whole = TensorDataset(*measure())
    return random_split(whole, [1080, 360], generator=torch.Generator().manual_seed(1))


torch.manual_seed(5)
train, valid = parts()
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(12):
    net.train()
    for spectra, wear in DataLoader(train, 36, shuffle=True):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(spectra), wear).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        errors = [nn.functional.mse_loss(net(spectra), wear).item() for spectra, wear in DataLoader(valid, 90)]
    print(f"epoch {epoch:2d} held-out error {np.mean(errors):.3f}")
