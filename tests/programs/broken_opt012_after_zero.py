# expects: OPT012
"""Clipping sits between zero_grad and backward: there is nothing to clip."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(640, 5)
y = (x[:, :1] * x[:, 1:2]).tanh() + 0.05 * torch.randn(640, 1)
data = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(5, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for inputs, wanted in data:
        optimizer.zero_grad()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        loss = nn.functional.smooth_l1_loss(model(inputs), wanted)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
