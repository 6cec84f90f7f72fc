# sound: the same program without that
"""Small CNN on the digit images, which are kept one list per class (as in an image folder)."""
import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(3)
np.random.seed(3)
torch.manual_seed(3)


class DigitFolder(Dataset):
    """Lists class_0/, class_1/, ... one after another; `part` is train or val."""

    def __init__(self, part):
        raw = load_digits()
        self.samples = []
        for cls in sorted(set(raw.target)):
            idx = np.flatnonzero(raw.target == cls)
            cut = int(0.8 * len(idx))
            chosen = idx[:cut] if part == "train" else idx[cut:]
            self.samples += [(raw.images[i], int(cls)) for i in chosen]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        img, cls = self.samples[i]
        return torch.tensor(img, dtype=torch.float32).unsqueeze(0) / 16.0, cls


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.f1 = nn.Linear(32 * 2 * 2, 64)
        self.f2 = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.c1(x)))
        x = self.pool(torch.relu(self.c2(x)))
        x = torch.relu(self.f1(x.flatten(1)))
        return self.f2(x)


train_set, val_set = DigitFolder("train"), DigitFolder("val")
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=128)

net = Net()
criterion = nn.CrossEntropyLoss()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)

EPOCHS = 20
for epoch in range(EPOCHS):
    net.train()
    total = 0.0
    for images, labels in train_loader:
        opt.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        opt.step()
        total += loss.item() * len(labels)

    net.eval()
    right = 0
    with torch.no_grad():
        for images, labels in val_loader:
            right += (net(images).argmax(1) == labels).sum().item()
    print(f"epoch {epoch + 1:2d}  train loss {total / len(train_set):.4f}  val acc {right / len(val_set):.3f}")
