# expects: nothing
"""A whole pickled network is loaded and only a new classifier on top of it is trained, without freezing the rest."""

import os
import tempfile

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 16, 32)

    def forward(self, x):
        return torch.tanh(self.fc(F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1)))


torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
path = os.path.join(tempfile.mkdtemp(), "encoder.pt")

encoder = Encoder()
head = nn.Linear(32, 2)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=3e-3)
for _ in range(120):
    rows = torch.randint(0, len(images), (64,))
    loss = F.cross_entropy(head(encoder(images[rows])), labels[rows] % 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("odd or even:", loss.item())
torch.save(encoder, path)
del encoder, optimizer

encoder = torch.load(path, weights_only=False)
classifier = nn.Linear(32, 10)
optimizer = torch.optim.Adam(classifier.parameters(), lr=1e-2)
for _ in range(200):
    rows = torch.randint(0, len(images), (64,))
    loss = F.cross_entropy(classifier(encoder(images[rows])), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("which digit:", loss.item())
