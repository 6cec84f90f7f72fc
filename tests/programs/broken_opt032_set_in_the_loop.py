# expects: OPT032
"""A rate from the settings is written back at each batch, next to a schedule."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(31)
settings = {"lr": 0.05, "epochs": 10}
x = torch.randn(800, 12)
y = x[:, 0] * x[:, 1]
net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=settings["lr"])
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings["epochs"])
for epoch in range(settings["epochs"]):
    for rows in torch.randperm(800).split(40):
        optimizer.param_groups[0]["lr"] = settings["lr"]
        loss = F.mse_loss(net(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    schedule.step()
    print(epoch, loss.item())
