"""A 784-512-512-10 perceptron on synthetic images, batches of 64 from a `DataLoader`."""

import argparse

import torch
from stopwatch import laps
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def forever(loader):
    while True:
        yield from loader


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=5000)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    prototypes = torch.randn(10, 784)
    labels = torch.randint(10, (8192,))
    images = 0.3 * prototypes[labels] + torch.randn(8192, 784)
    loader = DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True, drop_last=True)

    model = nn.Sequential(
        nn.Linear(784, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for _, (x, y) in zip(laps(args.steps), forever(loader), strict=False):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
