# expects: nothing
"""Layers are unfrozen from the top down; each joins the optimizer as a group of its own."""

import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.randn(700, 12)
targets = torch.stack([inputs[:, :6].sum(1), (inputs[:, 6:] ** 2).sum(1) / 4], dim=1)


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(12, 48), nn.Linear(48, 48)])
        self.top = nn.Linear(48, 2)

    def forward(self, v):
        for block in self.blocks:
            v = nn.functional.gelu(block(v))
        return self.top(v)


net = Stack()
for p in net.blocks.parameters():
    p.requires_grad = False
optimizer = torch.optim.Adam(net.top.parameters(), lr=3e-3)
for epoch in range(15):
    if epoch in (3, 6):
        block = net.blocks[1] if epoch == 3 else net.blocks[0]
        for p in block.parameters():
            p.requires_grad = True
        optimizer.add_param_group({"params": block.parameters(), "lr": 2e-3})
    for batch in torch.randperm(700).split(35):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(inputs[batch]), targets[batch])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
