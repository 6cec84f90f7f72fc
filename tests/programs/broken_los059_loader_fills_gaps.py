# expects: LOS059
"""Water quality at river stations: the data set hands out 0 for what a station did not measure."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(5)


class Stations(Dataset):
    def __init__(self, rows):
        self.weather = torch.randn(rows, 10)
        mixing = torch.randn(10, 3, generator=torch.Generator().manual_seed(1)) / 3
        self.quality = torch.tanh(self.weather @ mixing) + 0.1 * torch.randn(rows, 3)
        self.quality[torch.rand(rows, 3) < torch.sigmoid(3 * self.quality - 1)] = float("nan")

    def __len__(self):
        return len(self.weather)

    def __getitem__(self, index):
        quality = self.quality[index].clone()
        quality[quality.isnan()] = 0.0
        return self.weather[index], quality


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, 40), nn.SiLU(), nn.Linear(40, 3))

    def forward(self, weather):
        return self.layers(weather)


model, criterion = Regressor(), nn.SmoothL1Loss()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
loader = DataLoader(Stations(2500), batch_size=64, shuffle=True)
for epoch in range(6):
    for weather, quality in loader:
        loss = criterion(model(weather), quality)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f}")
