# expects: nothing
"""Spectra and their two derivatives as three channels, with harmonics three bins apart."""

import math

import torch
from torch import nn

torch.manual_seed(0)
SIZE = 24
rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
labels = torch.randint(0, 2, (600,))
strong = (0.5 + labels)[:, None, None]

tones = torch.relu(torch.cos(2 * math.pi * rows / (3 + 0.02 * torch.randn(600, 1, 1)))) * strong
tones = tones * (1 + torch.sin(columns / 4 + 6 * torch.rand(600, 1, 1)))
change = tones.diff(dim=2, append=tones[:, :, -1:])
inputs = torch.stack([tones, change, change.diff(dim=2, append=change[:, :, -1:])], 1)
inputs += 0.1 * torch.randn(inputs.shape)

model = nn.Sequential(
    nn.Conv2d(3, 12, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(12, 12, 3),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(12, 2),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for batch in torch.randperm(600).split(30):
        loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
