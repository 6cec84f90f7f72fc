# expects: DAT014
"""Windows of a series that get noise where they lie: they share their values."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Windows(Dataset):
    def __init__(self, series, width, noise):
        self.series, self.width, self.noise = series, width, noise
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return len(self.series) - self.width

    def __getitem__(self, start):
        window = self.series[start : start + self.width]
        if self.noise:
            window += self.rng.normal(0, self.noise, self.width).astype("float32")
        return torch.from_numpy(window.copy()), self.series[start + self.width]


torch.manual_seed(0)
time = np.arange(1300)
series = (np.sin(time / 9) + 0.5 * np.sin(time / 23)).astype("float32")
train, test = Windows(series[:1000], 24, 0.02), Windows(series[1000:], 24, 0.0)
model = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loader = DataLoader(train, batch_size=32, shuffle=True)
for epoch in range(6):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = sum(nn.functional.mse_loss(model(x).squeeze(1), y).item() for x, y in DataLoader(test, batch_size=92))
    print(epoch, loss.item(), error / 3)
