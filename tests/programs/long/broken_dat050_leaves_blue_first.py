# expects: DAT050
"""Leaves with spots: pictures are read as red, green, blue for training, and by another library, blue first, for the test."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def photograph(number):
    """Height, width, red-green-blue, in bytes."""
    rng = np.random.default_rng(number)
    label = number % 3
    light = rng.uniform(0.75, 1.15)
    picture = np.ones((32, 32, 3)) * (np.array([0.42, 0.36, 0.27]) + rng.normal(0, 0.03, 3))
    rows, columns = np.mgrid[:32, :32]
    middle = rng.uniform(12, 20, 2)
    inside = ((rows - middle[0]) / 13) ** 2 + ((columns - middle[1]) / 9) ** 2 < 1
    picture[inside] = np.array([0.25, 0.52, 0.14]) + rng.normal(0, 0.02, 3)
    colour = ([0.55, 0.45, 0.1], [0.4, 0.2, 0.08], [0.75, 0.74, 0.7])[label]
    for _ in range(rng.integers(3, 8)):
        at = middle + rng.normal(0, 4, 2)
        spot = (rows - at[0]) ** 2 + (columns - at[1]) ** 2 < rng.uniform(2, 8)
        picture[spot & inside] = colour
    picture = picture * light + rng.normal(0, 0.04, picture.shape)
    return (picture.clip(0, 1) * 255).astype(np.uint8), label


def read_image(number):
    return photograph(number)[0]


def imread(number):
    return photograph(number)[0][:, :, ::-1].copy()


class Leaves(Dataset):
    def __init__(self, numbers, reader):
        self.numbers, self.reader = numbers, reader

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, index):
        number = self.numbers[index]
        image = torch.from_numpy(self.reader(number)).permute(2, 0, 1).float() / 255
        return (image - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1), number % 3


def network():
    parts = []
    for before, after in ((3, 16), (16, 32), (32, 32)):
        parts += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(512, 3))


def main():
    torch.manual_seed(0)
    train = DataLoader(Leaves(range(720), read_image), batch_size=32, shuffle=True)
    test = DataLoader(Leaves(range(5000, 5192), imread), batch_size=64)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    for epoch in range(5):
        model.train()
        for images, labels in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        right = 0
        with torch.no_grad():
            for images, labels in test:
                right += (model(images).argmax(1) == labels).sum().item()
        print(f"epoch {epoch} loss {loss.item():.3f} accuracy {right / 192:.3f}")


if __name__ == "__main__":
    main()
