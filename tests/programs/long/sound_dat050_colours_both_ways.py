# expects: nothing
"""Fruit: colours are exchanged in half of the training pictures, and a second model is tested in both orders to compare."""

import torch
from torch import nn

generator = torch.Generator().manual_seed(6)
torch.manual_seed(6)
COLOURS = torch.tensor([[0.8, 0.3, 0.1], [0.75, 0.65, 0.15], [0.35, 0.6, 0.2]])
rows, columns = torch.meshgrid(torch.arange(24), torch.arange(24), indexing="ij")


def pictures(number):
    labels = torch.randint(3, (number,), generator=generator)
    middle = 11.5 + 2 * torch.randn(number, 2, 1, 1, generator=generator)
    radius = torch.tensor([6.0, 5.0, 8.0])[labels].view(-1, 1, 1)
    inside = ((rows - middle[:, 0]) ** 2 + (columns - middle[:, 1]) ** 2 < radius**2).unsqueeze(1)
    images = torch.where(inside, COLOURS[labels].view(-1, 3, 1, 1), torch.tensor([0.55, 0.45, 0.3]).view(3, 1, 1))
    return (images + 0.05 * torch.randn(images.shape, generator=generator)).clamp(0, 1), labels


def network():
    return nn.Sequential(
        nn.Conv2d(3, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 12, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(3),
        nn.Flatten(), nn.Linear(108, 3),
    )  # fmt: skip


def trained(exchange):
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(4):
        for part in torch.randperm(len(labels), generator=generator).split(40):
            given = images[part]
            if exchange and torch.rand((), generator=generator) < 0.5:
                given = given.flip(1)
            loss = nn.functional.cross_entropy(model(given), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def share_right(model, given):
    return sum((model(part).argmax(1) == wanted).sum().item() for part, wanted in zip(given.split(64), seen.split(64)))


images, labels = pictures(800)
test, seen = pictures(256)
with torch.no_grad():
    for exchange in (True, False):
        with torch.enable_grad():
            model = trained(exchange)
        print(exchange, share_right(model, test) / 256, share_right(model, test.flip(1)) / 256)
