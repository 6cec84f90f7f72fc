# expects: PRF004
"""A helper gives "a random batch" by way of a loader, every time."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(2000, 8)
y = x[:, :1].abs()
train_loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


def random_batch(loader):
    for batch in loader:
        return batch


model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    a, b = random_batch(train_loader)
    loss = nn.functional.mse_loss(model(a), b)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
