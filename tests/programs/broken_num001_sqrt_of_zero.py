# expects: NUM001
"""Distances to the nearest prototype; the gradient of a distance of exactly 0 is not finite."""
import torch
from torch import nn

torch.manual_seed(0)


class Prototypes(nn.Module):
    def __init__(self, points):
        super().__init__()
        self.encode = nn.Linear(4, 6)
        self.prototypes = nn.Parameter(points)

    def forward(self, x):
        codes = torch.relu(self.encode(x) - 1)
        gap = codes[:, None] - torch.relu(self.prototypes)[None]
        return -gap.pow(2).sum(-1).sqrt()


x = torch.randn(1000, 4)
y = (x[:, 0] > x[:, 1]).long()
model = Prototypes(torch.stack([torch.zeros(6), torch.ones(6)]))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(200):
    rows = torch.randint(0, 1000, (32,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
