# expects: OPT026
# also: OPT018
"""A decay by a lambda; the scheduler is an expression, made and stepped in one line."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
t = torch.rand(500, 1) * 4
y = torch.sin(t)


class Curve(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(1, 40), nn.Linear(40, 1)

    def forward(self, t):
        return self.b(torch.tanh(self.a(t)))


curve = Curve()
optimizer = torch.optim.Adam(curve.parameters(), lr=5e-3)
for epoch in range(20):
    for rows in torch.randperm(500).split(50):
        loss = F.mse_loss(curve(t[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: 0.9**e).step()
    print(epoch, loss.item(), optimizer.param_groups[0]["lr"])
