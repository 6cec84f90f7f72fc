# expects: OPT024
"""The rate is halved when the loss rises; on the wrong object."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(600, 4)
y = (x[:, :1] * x[:, 1:2] - x[:, 2:3]).sin()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 40), nn.Tanh(), nn.Linear(40, 1))

    def forward(self, x):
        return self.net(x)


model = Model()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
last, rate = float("inf"), 5e-3
for epoch in range(14):
    total = 0.0
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.l1_loss(model(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    if total > 0.95 * last:
        rate /= 2
        opt.lr = rate
    last = total
    print(epoch, total, rate)
