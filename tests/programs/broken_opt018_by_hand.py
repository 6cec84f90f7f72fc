# expects: OPT018
"""The rate is divided by ten every two epochs, by hand."""

import torch
from torch import nn

torch.manual_seed(1)
t = torch.linspace(-3, 3, 600).unsqueeze(1)
wave = torch.sin(2 * t) + 0.3 * torch.cos(5 * t)
net = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)


def adjust(opt, epoch):
    for group in opt.param_groups:
        group["lr"] = 2e-3 * 0.1 ** (epoch // 2)


for epoch in range(24):
    adjust(opt, epoch)
    for rows in torch.randperm(600).split(40):
        loss = ((net(t[rows]) - wave[rows]) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
