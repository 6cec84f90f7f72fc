# expects: nothing
"""RMSprop with an epsilon of 0.1 and the rate to go with it, as in the recipe of Inception."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(960, 16)
y = (x @ torch.randn(16, 5)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True)
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.045, alpha=0.9, eps=0.1, momentum=0.5)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.94)
for epoch in range(12):
    for a, b in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(a), b)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item())
