# expects: nothing
"""Losses of distances whose outputs are small, or all much alike, though nothing collapses: a Siamese network that
starts tiny, an encoder trained by a regression of almost constant targets and its consistency, a fixed centre."""

import torch
from torch import nn

torch.manual_seed(5)
WIDTH = 24
prototypes = torch.randn(80, WIDTH)


def tower(outputs):
    return nn.Sequential(nn.Linear(WIDTH, 64), nn.Tanh(), nn.Linear(64, outputs))


siamese = tower(16)
with torch.no_grad():
    siamese[-1].weight.mul_(0.02)
optimizer = torch.optim.Adam(siamese.parameters(), lr=2e-3)
for step in range(600):
    kind = torch.randint(80, (128,))
    partner = torch.where(torch.rand(128) < 0.5, kind, torch.randint(80, (128,)))
    left, right = (prototypes[one] + 0.2 * torch.randn(128, WIDTH) for one in (kind, partner))
    far = (siamese(left) - siamese(right)).pow(2).sum(1).add(1e-6).sqrt()
    alike = (kind == partner).float()
    loss = (alike * far.pow(2) + (1 - alike) * torch.relu(1 - far).pow(2)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("siamese", loss.item())

answers = tower(10)
with torch.no_grad():
    answers[-1].weight.mul_(8)
weight, level = 0.05 * torch.randn(WIDTH, 10), torch.linspace(1, 3, 10)
optimizer = torch.optim.Adam(answers.parameters(), lr=2e-3)
for step in range(600):
    x = torch.randn(128, WIDTH)
    clean, noisy = answers(x), answers(x + 0.05 * torch.randn_like(x))
    loss = (clean - (level + x @ weight)).pow(2).mean() + (clean - noisy).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("answers", loss.item())

# Distances from a fixed centre: what is far from it is unlike the examples.
described = nn.Sequential(nn.Linear(WIDTH, 64, bias=False), nn.LeakyReLU(), nn.Linear(64, 16, bias=False))
with torch.no_grad():
    centre = described(prototypes).mean(0)
    centre = torch.where(centre.abs() < 0.1, 0.1, centre)
optimizer = torch.optim.Adam(described.parameters(), lr=1e-3)
for step in range(500):
    x = prototypes[torch.randint(80, (128,))] + 0.2 * torch.randn(128, WIDTH)
    loss = (described(x) - centre).pow(2).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("described", loss.item())
