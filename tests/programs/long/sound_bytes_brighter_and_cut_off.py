# expects: nothing
"""Bytes made brighter by another number for each example, and cut off at the ends of their range, in wider integers."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Brighter(Dataset):
    def __init__(self):
        digits = load_digits()
        noise = np.random.default_rng(1).integers(0, 12, digits.images.shape)
        self.pixels = (digits.images * 14 + noise).astype(np.uint8)
        self.labels = digits.target

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.pixels[index].astype(np.int16) + 32 * np.random.randint(0, 3)
        if np.random.rand() < 0.5:
            image = image + 16
        if index % 2:
            image = np.clip(image, 0, 255)
        return torch.from_numpy(image)[None].float() / 64 - 1, int(self.labels[index])


torch.manual_seed(0)
np.random.seed(0)
loader = DataLoader(Brighter(), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
