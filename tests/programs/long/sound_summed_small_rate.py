# expects: nothing
"""A summed loss with a rate to match, and one for Adam, which does not care."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 8)
y = x @ torch.randn(8, 1) / 3
for make in (lambda p: torch.optim.SGD(p, lr=3e-4, momentum=0.9), lambda p: torch.optim.Adam(p, lr=3e-3)):
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = make(model.parameters())
    criterion = nn.MSELoss(reduction="sum")
    for epoch in range(10):
        for rows in torch.randperm(800).split(40):
            loss = criterion(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(loss.item())
