# expects: OPT017
# also: DAT003
"""Gradual unfreezing from the top, one block every few epochs; nobody tells the optimizer."""

import torch
from torch import nn

torch.manual_seed(7)
blocks = nn.ModuleList([nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 32)])
top = nn.Linear(32, 1)
model = nn.Sequential(blocks[0], nn.ReLU(), blocks[1], nn.ReLU(), blocks[2], nn.ReLU(), top)
x = torch.randn(700, 16)
y = torch.sin(x[:, :1]) + x[:, 1:2] / 2

for block in blocks:
    for p in block.parameters():
        p.requires_grad = False
opt = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.02, momentum=0.9)
for epoch in range(15):
    if epoch in (3, 6, 9):
        for p in blocks[2 - (epoch - 3) // 3].parameters():
            p.requires_grad = True
    for start in range(0, 700, 35):
        loss = nn.functional.mse_loss(model(x[start : start + 35]), y[start : start + 35])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
