# expects: nothing
"""Three ways to leave out what was not measured: a mask on both sides, a weight, and an ignored class."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
x = torch.randn(2400, 8)
amounts = x @ torch.randn(8, 3) + 0.2 * torch.randn(2400, 3)
present = (amounts > 0.3).float()
kind = (x @ torch.randn(8, 4)).argmax(1).float()
for values in (amounts, present):
    values[torch.rand(2400, 3) < 0.4] = float("nan")
kind[torch.rand(2400) < 0.3] = float("nan")
trunk = nn.Sequential(nn.Linear(8, 64), nn.ReLU())
heads = nn.ModuleList([nn.Linear(64, 3), nn.Linear(64, 3), nn.Linear(64, 4)])
optimizer = torch.optim.Adam([*trunk.parameters(), *heads.parameters()], lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(2400).split(60):
        hidden = trunk(x[rows])
        known = ~torch.isnan(amounts[rows])
        error = F.mse_loss(heads[0](hidden) * known, torch.nan_to_num(amounts[rows]))
        known = ~torch.isnan(present[rows])
        found = F.binary_cross_entropy_with_logits(heads[1](hidden), present[rows].nan_to_num(), weight=known.float())
        labels = torch.nan_to_num(kind[rows], nan=-1.0).long()
        named = F.cross_entropy(heads[2](hidden), labels, ignore_index=-1)
        loss = error + found + named
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{error.item():.4f} {found.item():.4f} {named.item():.4f}")
