# expects: OPT036
"""The validation loss is watched as if it were an accuracy."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(35)
x = torch.randn(1200, 8)
y = x[:, 0] * x[:, 1] + x[:, 2]
net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.5, patience=2)
for epoch in range(24):
    net.train()
    for rows in torch.randperm(1000).split(50):
        loss = F.mse_loss(net(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        held_out = F.mse_loss(net(x[1000:]).squeeze(1), y[1000:])
    schedule.step(held_out)
    print(epoch, held_out.item(), optimizer.param_groups[0]["lr"])
