# expects: nothing
"""Features of sensor windows from two noisy views: each view predicts the other, with batch norm all over."""

import torch
from torch import nn


def block(given, made):
    return nn.Sequential(nn.Linear(given, made), nn.BatchNorm1d(made), nn.ReLU())


class Pairwise(nn.Module):
    def __init__(self, window, width):
        super().__init__()
        self.embed = nn.Sequential(block(window, 64), block(64, width), nn.Linear(width, width))
        self.level = nn.BatchNorm1d(width, affine=False)
        self.guess = nn.Sequential(block(width, 12), nn.Linear(12, width))

    def forward(self, windows):
        embedded = self.level(self.embed(windows))
        return self.guess(embedded), embedded.detach()


def view(x):
    return x * torch.randn(len(x), 1).sign() + 2 * torch.randn_like(x)


torch.manual_seed(2)
shapes = torch.randn(12, 30)
windows = torch.randn(1600, 12) @ shapes
model = Pairwise(30, 32)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(20):
    total = 0.0
    for rows in torch.randperm(1600).split(80):
        guess_a, own_a = model(view(windows[rows]))
        guess_b, own_b = model(view(windows[rows]))
        pairs = ((guess_a, own_b), (guess_b, own_a))
        unit = [(nn.functional.normalize(guess), nn.functional.normalize(own)) for guess, own in pairs]
        loss = sum((guess - own).square().sum(1).mean() for guess, own in unit)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 20
    print(epoch, f"{total:.4f}")
