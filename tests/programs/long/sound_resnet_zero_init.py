# expects: nothing
"""A residual net whose branches start closed (zero scale in the last norm), with a zero-initialised head."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, padding=1)
        self.blocks = nn.Sequential(Block(12), Block(12))
        self.head = nn.Linear(12, 10)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.blocks(F.relu(self.stem(x))).mean((2, 3)))


torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16 - 0.3
y = torch.tensor(digits.target)
net = Net()
epochs, batch = 5, 48
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 0.2, total_steps=epochs * (1440 // batch))
for epoch in range(epochs):
    net.train()
    for rows in torch.randperm(1440).split(batch):
        opt.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows], label_smoothing=0.1).backward()
        opt.step()
        schedule.step()
    net.eval()
    with torch.inference_mode():
        print(epoch, (net(x[1440:]).argmax(1) == y[1440:]).float().mean().item())
