# expects: nothing
"""Shares between 0 and 1, predicted through a sigmoid, and a count, through a ReLU: both within range."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 9)
share = torch.sigmoid(x[:, :1] - 0.5 * x[:, 1:2])
amount = torch.relu(x[:, 2:3] + x[:, 3:4]) * 2


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(9, 48), nn.ReLU())
        self.share = nn.Sequential(nn.Linear(48, 1), nn.Sigmoid())
        self.amount = nn.Sequential(nn.Linear(48, 1), nn.ReLU())

    def forward(self, x):
        features = self.trunk(x)
        return self.share(features), self.amount(features)


model = TwoHeads()
nn.init.constant_(model.amount[0].bias, 0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(400):
    rows = torch.randint(0, 2000, (64,))
    a, b = model(x[rows])
    loss = nn.functional.mse_loss(a, share[rows]) + nn.functional.mse_loss(b, amount[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
