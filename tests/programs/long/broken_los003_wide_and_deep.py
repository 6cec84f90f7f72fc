# expects: LOS003
"""A linear part and a deep part for each house, one of them squeezed; the loss is written by hand."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
data = load_diabetes()
x = torch.tensor(data.data / data.data.std(0), dtype=torch.float32)
y = torch.tensor((data.target - data.target.mean()) / data.target.std(), dtype=torch.float32)
wide = nn.Linear(10, 1)
deep = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW([*wide.parameters(), *deep.parameters()], lr=3e-3)
for epoch in range(20):
    for rows in torch.randperm(len(x)).split(34):
        prediction = wide(x[rows]) + deep(x[rows]).flatten()
        loss = (prediction - y[rows].unsqueeze(1)).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
