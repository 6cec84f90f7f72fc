# expects: nothing
"""A classifier of cells that learns a second microscope, and is held near what it knew of the first."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
centres = 2 * torch.randn(4, 12)
turn = torch.linalg.qr(torch.eye(12) + 0.35 * torch.randn(12, 12))[0]


def microscope(cells: int, turned: bool) -> tuple[torch.Tensor, torch.Tensor]:
    kind = torch.randint(0, 4, (cells,))
    seen = centres[kind] + torch.randn(cells, 12)
    return (seen @ turn if turned else seen), kind


net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 4))
first, second = microscope(1200, False), microscope(1200, True)
first_held, second_held = microscope(400, False), microscope(400, True)


def fit(
    part: tuple[torch.Tensor, torch.Tensor], epochs: int, hold: dict[str, tuple[torch.Tensor, torch.Tensor]]
) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(epochs):
        net.train()
        for rows in torch.randperm(len(part[0])).split(50):
            loss = F.cross_entropy(net(part[0][rows]), part[1][rows])
            for name, weight in net.named_parameters() if hold else ():
                old, matters = hold[name]
                loss = loss + 20.0 * (matters * (weight - old) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            scores = [(net(x).argmax(1) == y).float().mean().item() for x, y in (first_held, second_held)]
        print(epoch, f"loss {loss.item():.3f} first {scores[0]:.3f} second {scores[1]:.3f}")


fit(first, 12, {})
matters = {name: torch.zeros_like(weight) for name, weight in net.named_parameters()}
for row in torch.randperm(1200)[:600]:
    net.zero_grad()
    F.cross_entropy(net(first[0][row : row + 1]), first[1][row : row + 1]).backward()
    for name, weight in net.named_parameters():
        matters[name] += weight.grad**2 / 600
fit(second, 12, {name: (weight.detach().clone(), matters[name]) for name, weight in net.named_parameters()})
