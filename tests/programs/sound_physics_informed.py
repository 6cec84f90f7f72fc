# expects: nothing
"""u'' = -u on 0..pi with u(0) = 0, u(pi/2) = 1: residuals and boundary values have constant targets."""

import math

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
mse = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
start, middle = torch.zeros(1, 1), torch.full((1, 1), math.pi / 2)

for step in range(400):
    t = (math.pi * torch.rand(64, 1)).requires_grad_(True)
    u = net(t)
    du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
    ddu = torch.autograd.grad(du.sum(), t, create_graph=True)[0]
    residual = ddu + u
    loss = mse(residual, torch.zeros_like(residual))
    loss = loss + 10 * mse(net(start), torch.zeros(1, 1)) + 10 * mse(net(middle), torch.ones(1, 1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
