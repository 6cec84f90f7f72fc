# expects: DAT058
"""Kinds of ground in pictures from the air, at half their size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    def __init__(self, size: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.randint(0, 5, (size, 1, 6, 6), generator=generator)
        self.ground = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)
        tints = torch.tensor([[0.1, 0.3, 0.1], [0.5, 0.4, 0.3], [0.2, 0.2, 0.6], [0.8, 0.8, 0.7], [0.4, 0.6, 0.2]])
        colour = tints[self.ground[:, 0]].movedim(3, 1)
        self.images = colour + 0.15 * torch.randn(colour.shape, generator=generator)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        pair = torch.cat([self.images[place], self.ground[place].float()])
        pair = F.interpolate(pair[None], scale_factor=0.4, mode="bicubic")[0]
        return pair[:3], pair[3].clamp(0, 4).long()


def main() -> None:
    torch.manual_seed(0)
    train, check = DataLoader(Pictures(240, 1), 16, shuffle=True), DataLoader(Pictures(60, 2), 30)
    net = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 5, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(6):
        for images, ground in train:
            loss = F.cross_entropy(net(images), ground)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = [(net(images).argmax(1) == ground).float().mean().item() for images, ground in check]
        print(epoch, f"{loss.item():.3f} {sum(right) / len(right):.3f}")


main()
