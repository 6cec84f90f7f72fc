# expects: nothing
"""The optimizer holds everything from the start; the body is thawed later, at a lower rate of its own."""

import torch
from torch import nn

torch.manual_seed(0)
body = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
head = nn.Linear(32, 6)
x = torch.randn(960, 20)
y = (x @ torch.randn(20, 6)).argmax(1)
body.requires_grad_(False)
optimizer = torch.optim.AdamW([{"params": body.parameters(), "lr": 1e-3}, {"params": head.parameters(), "lr": 4e-3}])
for epoch in range(12):
    if epoch == 4:
        body.requires_grad_(True)
    for rows in torch.randperm(960).split(48):
        loss = nn.functional.cross_entropy(head(body(x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
