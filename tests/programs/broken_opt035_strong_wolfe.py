# expects: OPT035
"""A line search whose closure never clears the gradients."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(34)
x = torch.rand(200, 3)
y = (x**2).sum(1, keepdim=True)
net = nn.Sequential(nn.Linear(3, 12), nn.Softplus(), nn.Linear(12, 1))
solver = torch.optim.LBFGS(net.parameters(), max_iter=8, line_search_fn="strong_wolfe")


def evaluate():
    loss = F.mse_loss(net(x), y)
    loss.backward()
    return loss


for step in range(25):
    solver.zero_grad()
    print(step, solver.step(evaluate).item())
