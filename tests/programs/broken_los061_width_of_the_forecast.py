# expects: LOS061
"""Daily heat demand with its uncertainty; forecasts of all batches are put together before they are scored."""

import torch
from torch import nn
from torch.distributions import Normal
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
weather = torch.randn(2400, 5)
demand = weather[:, :1] - 0.5 * weather[:, 1:2] ** 2
demand = demand + (0.15 + 0.2 * weather[:, 2:3].sigmoid()) * torch.randn(2400, 1)
days = DataLoader(TensorDataset(weather[:2000], demand[:2000]), batch_size=50, shuffle=True)
later = DataLoader(TensorDataset(weather[2000:], demand[2000:]), batch_size=100)


class Demand(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(5, 48), nn.ReLU())
        self.level, self.width = nn.Linear(48, 1), nn.Linear(48, 1)

    def forward(self, x):
        hidden = self.inner(x)
        return {"level": self.level(hidden), "width": self.width(hidden).clamp(-5, 3).exp()}


net, criterion = Demand(), nn.GaussianNLLLoss()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(8):
    net.train()
    for x, y in days:
        out = net(x)
        loss = criterion(out["level"], y, out["width"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    levels, widths, truth = [], [], []
    with torch.no_grad():
        for x, y in later:
            out = net(x)
            levels.append(out["level"])
            widths.append(out["width"])
            truth.append(y)
    spread = Normal(loc=torch.cat(levels), scale=torch.cat(widths))
    inside = (spread.cdf(torch.cat(truth)) - 0.5).abs() < 0.45
    print(epoch, f"{loss.item():.4f} inside the 90 % interval: {inside.float().mean().item():.3f}")
