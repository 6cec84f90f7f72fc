# expects: nothing
"""Decay by hand in four ways, each as strong as it is meant to be: in the loss, in the gradients, after the step (with the
rate), and as a norm that is set anew after each step."""

import torch
from torch import nn
from torch.nn import functional as F

LAMBDA = 1e-3


def net():
    return nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 5))


def train(model, optimizer, x, y, penalty=lambda: 0.0, gradients=lambda: None, weights=lambda: None):
    for epoch in range(10):
        for rows in torch.randperm(len(x)).split(40):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            (loss + penalty()).backward()
            gradients()
            optimizer.step()
            with torch.no_grad():
                weights()
    print(round(loss.item(), 3))


torch.manual_seed(0)
x = torch.randn(1600, 16)
y = (x @ torch.randn(16, 5)).argmax(1)

model = net()
train(
    model,
    torch.optim.Adam(model.parameters(), lr=2e-3),
    x,
    y,
    penalty=lambda: LAMBDA * sum(p.pow(2).sum() for p in model.parameters()),
)

model = net()
train(
    model,
    torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9),
    x,
    y,
    gradients=lambda: [p.grad.add_(p, alpha=LAMBDA) for p in model.parameters()],
)

model = net()
adam = torch.optim.Adam(model.parameters(), lr=2e-3)
train(model, adam, x, y, weights=lambda: [p.mul_(1 - 0.1 * adam.param_groups[0]["lr"]) for p in model.parameters()])

model = net()
first = [m.weight.norm().item() for m in model if isinstance(m, nn.Linear)]


def keep_norms():
    for layer, norm in zip([m for m in model if isinstance(m, nn.Linear)], first):
        layer.weight.mul_(2 * norm / layer.weight.norm())


train(model, torch.optim.Adam(model.parameters(), lr=2e-3), x, y, weights=keep_norms)
