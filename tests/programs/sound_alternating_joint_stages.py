# expects: nothing
"""Head alone first, then everything with a new optimizer: the same parameters in two optimizers, one after the other."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
body = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
head = nn.Linear(32, 4)
for optimizer in (
    torch.optim.Adam(head.parameters(), lr=3e-3),
    torch.optim.Adam([*body.parameters(), *head.parameters()], lr=2e-3),
):
    for epoch in range(8):
        for rows in torch.randperm(800).split(40):
            loss = nn.functional.cross_entropy(head(body(x[rows])), y[rows])
            optimizer.zero_grad()
            body.zero_grad()
            loss.backward()
            optimizer.step()
    print(loss.item())
