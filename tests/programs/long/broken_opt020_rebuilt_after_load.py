# expects: OPT020
"""The optimizer is rebuilt for fine-tuning, after the schedule was made for the first one."""

import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR


def build(model, fine_tune):
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = StepLR(optimizer, step_size=3, gamma=0.5)
    if fine_tune:
        optimizer = torch.optim.Adam(
            [{"params": model[0].parameters(), "lr": 2e-3}, {"params": model[2].parameters(), "lr": 4e-3}]
        )
    return optimizer, scheduler


torch.manual_seed(0)
x = torch.randn(800, 7)
y = (x[:, :3].sum(1) > 0).float()
model = nn.Sequential(nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer, scheduler = build(model, fine_tune=True)
for epoch in range(12):
    for rows in torch.randperm(800).split(40):
        logits = model(x[rows]).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
