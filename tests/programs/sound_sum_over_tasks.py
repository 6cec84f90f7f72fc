# expects: nothing
"""One body, a head for each of three tasks; the gradients of the tasks are added up on purpose."""

import torch
from torch import nn

torch.manual_seed(2)
x = torch.randn(900, 10)
targets = [(x @ torch.randn(10, 4)).argmax(1) for _ in range(3)]
body = nn.Sequential(nn.Linear(10, 48), nn.ReLU())
heads = nn.ModuleList(nn.Linear(48, 4) for _ in range(3))
opt = torch.optim.Adam([*body.parameters(), *heads.parameters()], lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(900).split(45):
        opt.zero_grad()
        for head, target in zip(heads, targets):
            nn.functional.cross_entropy(head(body(x[rows])), target[rows]).backward()
        opt.step()
