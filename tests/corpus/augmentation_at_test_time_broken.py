# bug: the random training augmentation is applied to the test images too
# expects: DAT040
"""Digits with strong augmentation: erasing, shifting, noise."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class Compose:
    def __init__(self, *transforms):
        self.transforms = transforms

    def __call__(self, x):
        for t in self.transforms:
            x = t(x)
        return x


class RandomErase:
    def __init__(self, p, size):
        self.p, self.size = p, size

    def __call__(self, x):
        if random.random() < self.p:
            r, c = random.randrange(8 - self.size), random.randrange(8 - self.size)
            x = x.clone()
            x[:, r:r + self.size, c:c + self.size] = 0
        return x


class RandomShift:
    def __call__(self, x):
        return torch.roll(x, (random.randint(-1, 1), random.randint(-1, 1)), (1, 2))


class Noise:
    def __init__(self, std):
        self.std = std

    def __call__(self, x):
        return x + self.std * torch.randn_like(x)


class Scale:
    def __call__(self, x):
        return x / 8 - 1


class DigitSet(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.images[i]), self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 24, 3, padding=1)
        self.bn1, self.bn2 = nn.BatchNorm2d(16), nn.BatchNorm2d(24)
        self.fc = nn.Linear(96, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def main():
    random.seed(5)
    torch.manual_seed(5)
    d = load_digits()
    x, y = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1), torch.tensor(d.target)
    augment = Compose(RandomErase(0.8, 4), RandomShift(), Scale(), Noise(0.3))
    train = DataLoader(DigitSet(x[:1400], y[:1400], augment), batch_size=40, shuffle=True)
    test = DataLoader(DigitSet(x[1400:], y[1400:], augment), batch_size=100)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for xb, yb in train:
            opt.zero_grad()
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            hits = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in test)
        print(f"epoch {epoch}: loss {total / len(train):.3f} test accuracy {hits / 397:.3f}")


if __name__ == "__main__":
    main()
