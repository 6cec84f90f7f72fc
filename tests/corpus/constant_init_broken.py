# bug: all weights are initialised to the same constant, so the hidden units stay copies of each other
# expects: MOD005
import math
from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass
class HParams:
    n_train: int = 1500
    n_test: int = 400
    width: int = 40
    lr: float = 0.005
    batch_size: int = 50
    epochs: int = 10


def checkerboard(n, generator):
    x = torch.rand(n, 2, generator=generator) * 4 - 2
    y = ((x[:, 0] > 0) ^ (x[:, 1] > 0)).long()
    ring = (x.norm(dim=1) > 2.0)
    return x, torch.where(ring, torch.full_like(y, 2), y)


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(2, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 3)
        self.reset()

    def reset(self):
        for layer in (self.fc1, self.fc2, self.fc3):
            nn.init.constant_(layer.weight, 0.1)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


class Experiment:
    def __init__(self, hp):
        self.hp = hp
        g = torch.Generator().manual_seed(0)
        self.train = checkerboard(hp.n_train, g)
        self.test = checkerboard(hp.n_test, g)
        self.net = Net(hp.width)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=hp.lr)

    def epoch(self):
        x, y = self.train
        last = 0.0
        for idx in torch.randperm(len(x)).split(self.hp.batch_size):
            self.opt.zero_grad()
            loss = nn.functional.cross_entropy(self.net(x[idx]), y[idx])
            loss.backward()
            self.opt.step()
            last += loss.item() * len(idx) / len(x)
        return last

    @torch.no_grad()
    def score(self):
        x, y = self.test
        return (self.net(x).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(3)
    exp = Experiment(HParams())
    for e in range(exp.hp.epochs):
        print(f"epoch {e}: train loss {exp.epoch():.4f}, test accuracy {exp.score():.4f}")
