# expects: nothing
"""A layer that two places share, beside others of its shape: one reads both sentences, one is for a second stage."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
a, b = torch.randn(1600, 12), torch.randn(1600, 12)
y = ((a * b).sum(1) > 0).float()


class Pairs(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.first = nn.Linear(12, width)
        self.read = nn.Linear(width, width)
        self.extra = nn.Linear(width, width)
        self.compare = nn.Linear(width, width)
        self.head = nn.Linear(width, 1)
        self.refined = False

    def forward(self, a, b):
        left = torch.relu(self.read(torch.relu(self.first(a))))
        right = torch.relu(self.read(torch.relu(self.first(b))))
        h = torch.relu(self.compare(left * right))
        if self.refined:
            h = h + torch.relu(self.extra(h))
        return self.head(h).squeeze(1)


net = Pairs()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(12):
    net.refined = epoch >= 6
    for rows in torch.randperm(1600).split(40):
        loss = F.binary_cross_entropy_with_logits(net(a[rows], b[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
