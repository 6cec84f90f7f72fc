# expects: nothing
"""A fully convolutional classifier in the manner of SqueezeNet: ReLU and average pooling at the end, as published."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(digits.target)
net = nn.Sequential(
    nn.Conv2d(1, 24, 3, padding=1),
    nn.ReLU(inplace=True),
    nn.MaxPool2d(2),
    nn.Conv2d(24, 48, 3, padding=1),
    nn.ReLU(inplace=True),
    nn.Dropout(0.2),
    nn.Conv2d(48, 10, 1),
    nn.ReLU(inplace=True),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
)
nn.init.normal_(net[6].weight, std=0.1)
nn.init.constant_(net[6].bias, 0.5)
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
for epoch in range(8):
    net.train()
    for images, labels in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        print(epoch, loss.item(), (net(x[1400:]).argmax(1) == y[1400:]).float().mean().item())
