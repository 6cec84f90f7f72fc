# expects: nothing
"""A reader of digits first meets 0 to 5; when 6 to 9 are added, it is trained on all and tested on all."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
data = load_digits()
x, y = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16, torch.tensor(data.target)
new = y >= 6
held = torch.arange(len(y)) % 4 == 0


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.name = nn.Linear(192, 10)

    def forward(self, images):
        return self.name(self.features(images))


reader = Reader()


def check(part):
    reader.eval()
    with torch.no_grad():
        named = reader(x[part]).argmax(dim=1)
    return (named == y[part]).float().mean().item()


def stage(part, rounds):
    optimizer = torch.optim.Adam(reader.parameters(), lr=2e-3)
    images, names = x[part], y[part]
    for number in range(rounds):
        reader.train()
        for rows in torch.randperm(len(names)).split(32):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(reader(images[rows]), names[rows])
            loss.backward()
            optimizer.step()
        print(number, loss.item())


stage(~new & ~held, 8)
print("0 to 5:", check(~new & held))
stage(~held, 10)
print("6 to 9:", check(new & held))
print("all:", check(held))
