# expects: nothing
"""Prices of rides from the zone, the hour and the kind of car, all in one table."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

KINDS = {"zone": 60, "hour": 24, "car": 5}


def number(rides: dict[str, torch.Tensor]) -> torch.Tensor:
    columns, begin = [], 0
    for name, size in KINDS.items():
        columns.append(rides[name] + begin)
        begin += size
    return torch.stack(columns, 1)


def main() -> None:
    torch.manual_seed(3)
    rides = {name: torch.randint(0, size, (2400,)) for name, size in KINDS.items()}
    price = sum(torch.randn(size)[rides[name]] for name, size in KINDS.items()) + 0.1 * torch.randn(2400)
    table = TensorDataset(number(rides), price)
    train = DataLoader(torch.utils.data.Subset(table, range(2000)), batch_size=32, shuffle=True)
    held_out = table[2000:]
    model = nn.Sequential(nn.Embedding(sum(KINDS.values()), 6), nn.Flatten(), nn.Linear(18, 32), nn.ReLU())
    head = nn.Linear(32, 1)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=5e-3)
    for epoch in range(6):
        for rows, paid in train:
            loss = nn.functional.mse_loss(head(model(rows))[:, 0], paid)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(epoch, f"{nn.functional.mse_loss(head(model(held_out[0]))[:, 0], held_out[1]).item():.4f}")


main()
