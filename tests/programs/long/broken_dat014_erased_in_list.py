# expects: DAT014
"""Pairs in a list, with a transform that erases a patch of the image that it is given."""

import random

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Erase:
    def __init__(self, size):
        self.size = size

    def __call__(self, image):
        top, left = random.randrange(9 - self.size), random.randrange(9 - self.size)
        image[:, top : top + self.size, left : left + self.size] = 0
        return image


class Pairs(Dataset):
    def __init__(self, pairs, transform=None):
        self.pairs, self.transform = pairs, transform

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        image, label = self.pairs[i]
        if self.transform is not None:
            image = self.transform(image)
        return image, label


def main():
    random.seed(1)
    torch.manual_seed(1)
    digits = load_digits()
    pairs = [(torch.tensor(a / 16.0).float().unsqueeze(0), int(b)) for a, b in zip(digits.images, digits.target)]
    loader = DataLoader(Pairs(pairs[:1400], Erase(3)), batch_size=50, shuffle=True, drop_last=True)
    net = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(432, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(8):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(epoch, total / len(loader))


main()
