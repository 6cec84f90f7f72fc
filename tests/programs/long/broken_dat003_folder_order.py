# expects: DAT003
# also: TRN001 TRN003
"""Digits read class by class, as from one folder per class."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Folder(Dataset):
    def __init__(self):
        digits = load_digits()
        order = np.argsort(digits.target, kind="stable")
        self.samples = [(digits.images[i], int(digits.target[i])) for i in order]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        image, label = self.samples[index]
        return torch.tensor(image, dtype=torch.float32).unsqueeze(0) / 16, label


class LeNetish(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 12, 3, padding=1)
        self.fc = nn.Linear(12 * 16, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        return self.fc(x.flatten(1))


if __name__ == "__main__":
    torch.manual_seed(0)
    loader = DataLoader(Folder(), batch_size=60, shuffle=False, num_workers=0)
    net = LeNetish()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(7):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
