# expects: nothing
"""A network fitted to y'' = -y with the residual of the equation as its loss: Adam first, then LBFGS with a closure."""

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))


def residual(t):
    t = t.requires_grad_(True)
    u = net(t)
    (du,) = torch.autograd.grad(u.sum(), t, create_graph=True)
    (ddu,) = torch.autograd.grad(du.sum(), t, create_graph=True)
    zero = torch.zeros(1, 1, requires_grad=True)
    start = net(zero)
    (slope,) = torch.autograd.grad(start.sum(), zero, create_graph=True)
    return (ddu + u).square().mean() + start.square().mean() + (slope - 1).square().mean()


grid = torch.linspace(0, 3, 40)[:, None]
adam = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(150):
    adam.zero_grad()
    loss = residual(grid.clone())
    loss.backward()
    adam.step()
lbfgs = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=5, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    value = residual(grid.clone())
    value.backward()
    return value


for step in range(20):
    loss = lbfgs.step(closure)
print(loss.item())
