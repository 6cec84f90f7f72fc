# expects: DAT005
from random import Random

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class Shift:
    """Moves an image by up to one pixel to the side."""

    def __init__(self, seed):
        self.random = Random(seed)

    def __call__(self, image):
        return torch.roll(image, self.random.choice((-1, 0, 1)), dims=-1)


class Digits(Dataset):
    def __init__(self, transform):
        digits = load_digits()
        self.images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
        self.targets = digits.target
        self.transform = transform

    def __len__(self):
        return 900

    def __getitem__(self, index):
        return self.transform(self.images[index]), int(self.targets[index])


def main():
    torch.manual_seed(0)
    loader = DataLoader(Digits(Shift(seed=7)), batch_size=45, shuffle=True, num_workers=3, persistent_workers=True)
    conv = torch.nn.Conv2d(1, 8, 3)
    out = torch.nn.Linear(8 * 36, 10)
    net = torch.nn.Sequential(conv, torch.nn.ReLU(), torch.nn.Flatten(), out)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(8):
        for images, targets in loader:
            loss = F.cross_entropy(net(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(loss.item())


if __name__ == "__main__":
    main()
