# expects: nothing
"""Blocks whose last part is a lambda over their own layers, as some small GPTs have it."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
inputs = torch.randn(1200, 12)
classes = (inputs[:, :4] @ torch.randn(4, 3)).argmax(1)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.parts = nn.ModuleDict({"up": nn.Linear(width, 2 * width), "down": nn.Linear(2 * width, width)})
        self.parts["drop"] = nn.Dropout(0.1)
        parts = self.parts
        self.rest = lambda x: parts["drop"](parts["down"](torch.relu(parts["up"](x))))

    def forward(self, x):
        return x + self.rest(self.norm(x))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(12, 24)
        self.blocks = nn.Sequential(Block(24), Block(24))
        self.last = nn.Linear(24, 3)

    def forward(self, x):
        return self.last(self.blocks(torch.relu(self.first(x))))


network = Network()
optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
loader = DataLoader(TensorDataset(inputs[:1000], classes[:1000]), batch_size=50, shuffle=True)
for epoch in range(12):
    network.train()
    for x, y in loader:
        loss = nn.functional.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        right = (network(inputs[1000:]).argmax(1) == classes[1000:]).float().mean()
    print(epoch, loss.item(), right.item())
