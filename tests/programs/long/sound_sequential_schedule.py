# expects: nothing
"""Warm-up then cosine in one SequentialLR, stepped per batch; a second stage with ReduceLROnPlateau per epoch."""

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(1200, 16)
y = (x @ torch.randn(16, 3)).argmax(1)
train, valid = random_split(TensorDataset(x, y), [1000, 200])
train_loader, valid_loader = DataLoader(train, 50, shuffle=True), DataLoader(valid, 200)
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 3))
loss_fn = nn.CrossEntropyLoss(label_smoothing=0.05)


def evaluate():
    model.eval()
    with torch.inference_mode():
        return sum(loss_fn(model(a), b).item() for a, b in valid_loader)


optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
total = 6 * len(train_loader)
scheduler = lr_scheduler.SequentialLR(
    optimizer,
    [
        lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=20),
        lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - 20),
    ],
    milestones=[20],
)
for epoch in range(6):
    model.train()
    for a, b in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(a), b)
        loss.backward()
        optimizer.step()
        scheduler.step()
    print("stage 1", epoch, loss.item(), evaluate())

optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
for epoch in range(5):
    model.train()
    for a, b in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(a), b)
        loss.backward()
        optimizer.step()
    plateau.step(evaluate())
    print("stage 2", epoch, loss.item(), optimizer.param_groups[0]["lr"])
