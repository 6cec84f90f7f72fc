# expects: DAT010
# also: DAT003
"""Windows of a series in their order: the last two fifths, the most recent ones, never fill a batch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Windows(Dataset):
    def __init__(self):
        t = torch.arange(180.0)
        self.series = torch.sin(t / 5) + 0.3 * torch.sin(t / 2)

    def __len__(self):
        return 160

    def __getitem__(self, i):
        return self.series[i : i + 16], self.series[i + 16 : i + 17]


torch.manual_seed(0)
loader = DataLoader(Windows(), batch_size=96, drop_last=True)
model = nn.Sequential(nn.Linear(16, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(200):
    for window, following in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(window), following)
        loss.backward()
        optimizer.step()
    if epoch % 40 == 0:
        print(epoch, loss.item())
