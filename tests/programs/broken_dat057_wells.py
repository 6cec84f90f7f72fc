# expects: DAT057
"""The level of wells, a week ahead; each stretch is brought to the range from 0 to 1."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

PAST, AHEAD = 28, 7


class Stretches(Dataset):
    def __init__(self, levels: torch.Tensor) -> None:
        self.items = levels.unfold(1, PAST + AHEAD, 3).reshape(-1, PAST + AHEAD)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        stretch = self.items[place]
        stretch = (stretch - stretch.min()) / (stretch.max() - stretch.min())
        return stretch[:PAST, None], stretch[PAST:]


class Ahead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.read = nn.GRU(1, 24, batch_first=True)
        self.say = nn.Linear(24, AHEAD)

    def forward(self, past: torch.Tensor) -> torch.Tensor:
        return self.say(self.read(past)[0][:, -1])


def main() -> None:
    torch.manual_seed(6)
    levels = 0.4 * torch.randn(30, 300).cumsum(1) + torch.sin(torch.arange(300) / 9)
    train = DataLoader(Stretches(levels[:, :220]), batch_size=50, shuffle=True)
    check = DataLoader(Stretches(levels[:, 220:]), batch_size=100)
    net = Ahead()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(6):
        for past, future in train:
            optimizer.zero_grad()
            loss = ((net(past) - future) ** 2).mean()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            errors = [((net(past) - future) ** 2).mean().item() for past, future in check]
        print(epoch, f"{loss.item():.4f} {sum(errors) / len(errors):.4f}")


main()
