# expects: LOS025
"""Which cells of a grid hold a particle: `binary_cross_entropy` complained about the range, so the scores were clamped."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
cells = (torch.rand(900, 1, 12, 12) < 0.25).float()
blurred = F.avg_pool2d(cells, 3, stride=1, padding=1) * 3 + 0.1 * torch.randn_like(cells)


class Deblur(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        self.third = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x):
        x = F.leaky_relu(self.first(x))
        x = F.leaky_relu(self.second(x))
        return self.third(x)


net = Deblur()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(900).split(30):
        guess = torch.clamp(net(blurred[rows]), min=1e-5, max=1 - 1e-5)
        loss = F.binary_cross_entropy(guess, cells[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
