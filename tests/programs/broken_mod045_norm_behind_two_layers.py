# expects: MOD045
"""A block of a convolutional network uses its one norm behind both of its convolutions, the first of which is amplified."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
pictures = torch.randn(1200, 1, 8, 8) * 0.4 + 2
labels = torch.randint(0, 3, (1200,))
for label, (row, column) in enumerate([(1, 1), (1, 5), (5, 3)]):
    pictures[labels == label, :, row : row + 2, column : column + 2] += 1.5


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.enter = nn.Conv2d(1, channels, 3, padding=1)
        self.deepen = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = F.relu(self.bn(self.enter(x) * 40))
        return F.relu(self.bn(self.deepen(x)))


class Marks(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block(12)
        self.out = nn.Linear(12 * 16, 3)

    def forward(self, x):
        return self.out(F.avg_pool2d(self.block(x), 2).flatten(1))


model = Marks()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = F.cross_entropy(model(pictures[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = model(pictures[1000:]).argmax(1) == labels[1000:]
    print(epoch, loss.item(), right.float().mean().item())
