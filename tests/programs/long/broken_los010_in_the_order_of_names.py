# expects: LOS010
"""Kinds of clouds, of which some are rare; the weights of the classes come from a table of names."""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn

KINDS = ["stratus", "cumulus", "cirrus", "altocumulus"]


def main() -> None:
    torch.manual_seed(6)
    drawn = torch.multinomial(torch.tensor([0.62, 0.22, 0.1, 0.06]), 2400, replacement=True)
    names = [KINDS[kind] for kind in drawn.tolist()]
    x = 1.4 * torch.randn(4, 10)[drawn] + torch.randn(2400, 10)
    times = Counter(names[:2000])
    weight = torch.tensor([2000 / (4 * times[name]) for name in sorted(times)])
    target = torch.tensor([KINDS.index(name) for name in names])
    net = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 4))
    criterion = nn.CrossEntropyLoss(weight=weight)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(8):
        for rows in torch.randperm(2000).split(50):
            loss = criterion(net(x[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = net(x[2000:]).argmax(1) == target[2000:]
        print(epoch, [round(right[target[2000:] == kind].float().mean().item(), 2) for kind in range(4)])


main()
