# expects: OPT034
"""L-BFGS in a loop that was written for Adam."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(33)
x = torch.linspace(-2, 2, 128).unsqueeze(1)
y = torch.sin(2 * x)
net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.LBFGS(net.parameters(), lr=0.05, max_iter=5)
for step in range(60):
    optimizer.zero_grad()
    loss = F.mse_loss(net(x), y)
    loss.backward()

    def closure(value=loss):
        return value

    optimizer.step(closure)
print(loss.item())
