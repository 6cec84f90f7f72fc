# expects: DAT006
"""Inputs and labels are split by two calls with different seeds; the model is called by its method `forward`."""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 32), nn.Linear(32, 3)

    def forward(self, x):
        return self.last(F.relu(self.first(x)))


def split(values, seed):
    order = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))
    return values[order[:160]], values[order[160:]]


torch.manual_seed(0)
x = torch.randn(200, 8)
y = (x @ torch.randn(8, 3)).argmax(1)
(x, held_x), (y, held_y) = split(x, 1), split(y, 2)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(200):
    scores = net.forward(x)
    loss = F.cross_entropy(scores, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print(loss.item(), F.cross_entropy(net.forward(held_x), held_y).item())
