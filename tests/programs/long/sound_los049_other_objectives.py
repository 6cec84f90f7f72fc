# expects: nothing
"""One net each for what else a denoiser may be to give back: score, flow, velocity, data, the noise added to data."""

import math

import torch
from torch import nn

torch.manual_seed(2)
grid = torch.linspace(0, 2 * math.pi, 16)
waves = torch.sin(grid * torch.randint(1, 4, (2000, 1)) + 6 * torch.rand(2000, 1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(17, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 16))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t], 1))


def angles(t):
    return torch.cos(t * math.pi / 2), torch.sin(t * math.pi / 2)


def data(clean, noise, t):
    a, s = angles(t)
    return a * clean + s * noise, clean


def velocity(clean, noise, t):
    a, s = angles(t)
    return a * clean + s * noise, a * noise - s * clean


def score(clean, noise, t):
    a, s = angles(0.2 + 0.8 * t)
    return a * clean + s * noise, -noise / s


def flow(clean, noise, t):
    return (1 - t) * clean + t * noise, noise - clean


def added(clean, noise, t):
    return clean + t * noise, t * noise


for objective in (score, flow, velocity, data, added):
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(6):
        for rows in torch.randperm(2000).split(100):
            clean, t = waves[rows], torch.rand(len(rows), 1)
            x, wanted = objective(clean, torch.randn_like(clean), t)
            loss = nn.functional.mse_loss(net(x, t), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(objective.__name__, loss.item())
