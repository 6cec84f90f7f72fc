# expects: OPT006
"""Noise of gearboxes; four small batches were to make one large one."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

PARTS = 4


def main() -> None:
    torch.manual_seed(4)
    x = torch.randn(1600, 12)
    y = (x[:, :4].sum(1) + torch.relu(x[:, 4]) > 0.4).long()
    loader = DataLoader(TensorDataset(x[:1280], y[:1280]), batch_size=8, shuffle=True)
    net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(6):
        for number, (inputs, target) in enumerate(loader):
            begins = number % PARTS == 0
            if begins:
                optimizer.zero_grad()
            (nn.functional.cross_entropy(net(inputs), target) / PARTS).backward()
            if begins:
                optimizer.step()
        with torch.no_grad():
            print(epoch, (net(x[1280:]).argmax(1) == y[1280:]).float().mean().item())


main()
