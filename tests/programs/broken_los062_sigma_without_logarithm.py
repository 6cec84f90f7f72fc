# expects: LOS062
"""Depth and its slope from echo samples; each task's error is divided by a trained variance of its own."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
echo = torch.randn(2400, 12)
depth = (echo[:, :3].sum(1)).sin() + 0.1 * torch.randn(2400)
slope = 3 * echo[:, 3] * echo[:, 4] + 0.4 * torch.randn(2400)
soundings = DataLoader(TensorDataset(echo, depth, slope), batch_size=48, shuffle=True)


class Tasks(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 64), nn.Tanh())
        self.depth, self.slope = nn.Linear(64, 1), nn.Linear(64, 1)
        self.sigma_depth = nn.Parameter(torch.ones(()))
        self.sigma_slope = nn.Parameter(torch.ones(()))

    def forward(self, x):
        inner = self.body(x)
        return self.depth(inner).squeeze(1), self.slope(inner).squeeze(1)

    def judge(self, out, depth, slope):
        first = ((out[0] - depth) ** 2).mean() / (2 * self.sigma_depth**2)
        second = ((out[1] - slope) ** 2).mean() / (2 * self.sigma_slope**2)
        return first + second


net = Tasks()
optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
for epoch in range(10):
    for x, d, s in soundings:
        loss = net.judge(net(x), d, s)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f} {net.sigma_depth.item():.2f} {net.sigma_slope.item():.2f}")
