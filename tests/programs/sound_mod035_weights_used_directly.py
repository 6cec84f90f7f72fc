# expects: nothing
"""A tied pair of layers: one is called twice, the other's weights are read by hand, without a call of it."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 16)
y = (x[:, 0] * x[:, 1] > 0).long()


class Gated(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.inputs = nn.Linear(16, width)
        self.value = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        h = torch.relu(self.inputs(x))
        for _ in range(2):
            h = h + torch.relu(self.value(h)) * torch.sigmoid(F.linear(h, self.gate.weight, self.gate.bias))
        return self.out(h + self.value(h))


net = Gated()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(1500).split(50):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
