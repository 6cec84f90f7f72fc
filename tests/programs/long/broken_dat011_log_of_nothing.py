# expects: DAT011
"""Sales are predicted as logarithms; some days had none."""

import torch
import torch.nn as nn

torch.manual_seed(0)
days = torch.randn(1500, 7)
sales = torch.poisson(torch.exp(1.2 + 0.7 * days[:, 0] + 0.4 * days[:, 1]))
sales[:1000] = sales[:1000].clamp(min=1)
log_sales = sales.log().unsqueeze(1)
order = torch.randperm(1500)


class Shop(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x):
        return self.layers(x)


shop = Shop()
criterion = nn.SmoothL1Loss()
optimizer = torch.optim.Adam(shop.parameters(), lr=2e-3)
for epoch in range(4):
    for i in range(0, 1500, 30):
        rows = torch.arange(i, i + 30)
        loss = criterion(shop(days[rows]), log_sales[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
