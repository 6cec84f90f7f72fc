# expects: MOD055
"""How loud a room becomes: people stand at tables, and each table hears the sum of its own."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

PEOPLE, TABLES = 18, 5


class Room(nn.Module):
    def __init__(self, table_of: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("table_of", table_of)
        self.person = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 8))
        self.table = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, people: torch.Tensor) -> torch.Tensor:
        heard = people.new_zeros(len(people), TABLES, 8)
        heard[:, self.table_of] += self.person(people)
        return self.table(heard).squeeze(2)


def main() -> None:
    torch.manual_seed(1)
    table_of = torch.randint(0, TABLES, (PEOPLE,))
    people = torch.rand(1200, PEOPLE, 2)
    loud = torch.zeros(1200, TABLES).index_add(1, table_of, people[:, :, 0] * people[:, :, 1])
    train = DataLoader(TensorDataset(people[:1000], loud[:1000]), batch_size=40, shuffle=True)
    room = Room(table_of)
    optimizer = torch.optim.Adam(room.parameters(), lr=3e-3)
    for epoch in range(12):
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(room(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(epoch, f"{nn.functional.l1_loss(room(people[1000:]), loud[1000:]).item():.4f}")


main()
