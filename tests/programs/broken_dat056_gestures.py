# expects: DAT056
"""Gestures of the wrist from an accelerometer, recorded by two teams; each file lists its gestures in its own order."""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

GESTURES = ("wave", "push", "circle", "knock", "shake")


class Recordings(Dataset):
    def __init__(self, seed: int, size: int, sounding: dict[str, torch.Tensor]) -> None:
        generator = torch.Generator().manual_seed(seed)
        order = list(GESTURES)
        random.Random(seed).shuffle(order)
        self.items = []
        for _ in range(size):
            name = GESTURES[int(torch.randint(0, 5, (1,), generator=generator))]
            signal = sounding[name] + 0.5 * torch.randn(3, 24, generator=generator)
            self.items.append((signal, order.index(name)))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.items[place]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 16, 5, padding=2)
        self.out = nn.Linear(16 * 12, 5)

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return self.out(F.max_pool1d(F.relu(self.conv(signal)), 2).flatten(1))


def main() -> None:
    torch.manual_seed(7)
    sounding = {name: torch.randn(3, 24) for name in GESTURES}
    train = DataLoader(Recordings(1, 1500, sounding), batch_size=32, shuffle=True)
    check = DataLoader(Recordings(4, 400, sounding), batch_size=100)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(8):
        net.train()
        for signal, gesture in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(signal), gesture)
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            total = sum(F.cross_entropy(net(signal), gesture).item() for signal, gesture in check)
        print(f"{epoch}: {loss.item():.3f} check {total / len(check):.3f}")


main()
