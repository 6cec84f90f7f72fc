# expects: OPT019
"""Warm-up and cosine, both counted in batches; the scheduler is stepped once per epoch."""

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.rand(800, 9)
y = (x.sum(1, keepdim=True) - 4.5) + torch.sin(6 * x[:, :1])
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
epochs = 14
warm = len(loader)
model = nn.Sequential(nn.Linear(9, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scheduler = SequentialLR(
    optimizer,
    [LinearLR(optimizer, 0.01, total_iters=warm), CosineAnnealingLR(optimizer, epochs * len(loader) - warm)],
    milestones=[warm],
)
for epoch in range(epochs):
    for a, b in loader:
        loss = nn.functional.mse_loss(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr()[0])
