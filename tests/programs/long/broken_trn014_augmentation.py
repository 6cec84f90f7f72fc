# expects: TRN014
"""Pictures are flipped and shifted by the module `random`, which no seed was given."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def draw(label: int, generator: torch.Generator) -> torch.Tensor:
    picture = 0.3 * torch.randn(1, 12, 12, generator=generator)
    picture[0, 3 * label : 3 * label + 3, 2:8] += 1.5
    return picture


class Pictures(Dataset):
    def __init__(self, count: int):
        generator = torch.Generator().manual_seed(5)
        self.labels = torch.randint(0, 4, (count,), generator=generator)
        self.pictures = [draw(int(label), generator) for label in self.labels]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        picture = self.pictures[index]
        if random.random() < 0.5:
            picture = picture.flip(-1)
        return torch.roll(picture, random.randint(-2, 2), dims=-1), self.labels[index]


def main(seed: int = 42):
    torch.manual_seed(seed)
    loader = DataLoader(Pictures(800), batch_size=40, shuffle=True)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 36, 4))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(5):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, round(loss.item(), 4))


if __name__ == "__main__":
    main()
