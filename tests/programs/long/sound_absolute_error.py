# expects: nothing
# The error is absolute, and held-out rows are looked at.
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(8)
x = torch.randn(1000, 6)
y = 3 * x[:, :1] + x[:, 1:2] ** 2 + 0.2 * torch.randn(1000, 1)
train, held = random_split(TensorDataset(x, y), [800, 200])
model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(14):
    model.train()
    for inputs, targets in DataLoader(train, batch_size=50, shuffle=True):
        loss = nn.functional.l1_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = sum(
            nn.functional.l1_loss(model(inputs), targets) for inputs, targets in DataLoader(held, batch_size=100)
        )
    print(epoch, loss.item(), float(error) / 2)
