# expects: OPT010
"""OneCycle in the batch loop, called before the optimizer."""

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1000, 24)
y = (x @ torch.randn(24, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True, drop_last=True)
model = nn.Sequential(nn.Linear(24, 64), nn.SiLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
epochs = 10
scheduler = OneCycleLR(optimizer, max_lr=0.2, total_steps=epochs * len(loader) + 1)

for epoch in range(epochs):
    for bx, by in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(bx), by)
        loss.backward()
        scheduler.step()
        optimizer.step()
    print(epoch, loss.item())
