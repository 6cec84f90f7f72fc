# expects: nothing
"""A plain network in the manner of VGG: nineteen layers with batch norm, as deep as such ones were built."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

torch.manual_seed(3)
digits = load_digits()
images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
images = (images - images[:1400].mean()) / images[:1400].std()
labels = torch.tensor(digits.target)


def stage(into, out, times):
    layers = []
    for _ in range(times):
        layers += [nn.Conv2d(into, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
        into = out
    return layers


plain = nn.Sequential(
    *stage(1, 12, 6),
    nn.MaxPool2d(2),
    *stage(12, 16, 6),
    nn.MaxPool2d(2),
    *stage(16, 24, 6),
    nn.Flatten(),
    nn.Linear(96, 10),
)
optimizer = torch.optim.AdamW(plain.parameters(), lr=2e-3, weight_decay=1e-2)
for epoch in range(6):
    plain.train()
    for rows in torch.randperm(1400).split(50):
        loss = F.cross_entropy(plain(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    plain.eval()
    with torch.no_grad():
        right = (plain(images[1400:]).argmax(1) == labels[1400:]).float().mean()
    print(epoch, f"{loss.item():.3f} {right:.3f}")
