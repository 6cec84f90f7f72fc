# expects: DAT007
"""The temperature to be predicted is also there in Fahrenheit."""

import torch
import torch.nn.functional as F
from torch.nn import Linear, Module

torch.manual_seed(4)
weather = torch.randn(2000, 5)
celsius = 0.6 * weather[:, 0] - 0.3 * weather[:, 1] * weather[:, 2] + 0.4 * torch.randn(2000)
fahrenheit = 1.8 * celsius + 0.32
columns = torch.stack([*weather.T[:3], fahrenheit, *weather.T[3:]], 1)


class Forecast(Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = Linear(6, 24), Linear(24, 1)

    def forward(self, x):
        return self.b(F.silu(self.a(x))).squeeze(1)


forecast = Forecast()
optimizer = torch.optim.Adam(forecast.parameters(), lr=4e-3)
for step in range(260):
    rows = torch.randint(0, 1600, (48,))
    loss = F.smooth_l1_loss(forecast(columns[rows]), celsius[rows])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print(loss.item())
