# expects: nothing
"""Model-agnostic meta-learning on sines: inner steps through functional_call, an outer Adam."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
meta = torch.optim.Adam(net.parameters(), lr=2e-3)


def task():
    height, shift = 0.5 + torch.rand(1), torch.rand(1) * 3
    return lambda n: (x := torch.rand(n, 1) * 6 - 3, height * torch.sin(x + shift))


for episode in range(150):
    meta.zero_grad()
    total = 0.0
    for _ in range(2):
        draw = task()
        weights = dict(net.named_parameters())
        x, y = draw(10)
        support = F.mse_loss(functional_call(net, weights, (x,)), y)
        slopes = torch.autograd.grad(support, list(weights.values()), create_graph=True)
        fast = {name: w - 0.05 * g for (name, w), g in zip(weights.items(), slopes, strict=True)}
        x, y = draw(10)
        query = F.mse_loss(functional_call(net, fast, (x,)), y)
        query.backward()
        total += query.item()
    meta.step()
    if episode % 30 == 0:
        print(episode, total / 2)
