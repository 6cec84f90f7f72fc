# expects: nothing
"""Rain per hour from the state of the air: dry for a third of the hours."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
air = torch.randn(2400, 8)
wet = air @ torch.randn(8, 1) / 8**0.5 + 0.1 * torch.randn(2400, 1)
rain = (wet - wet.quantile(0.35)).clamp(min=0) * 4
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Softplus())
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for x, y in DataLoader(TensorDataset(air[:2000], rain[:2000]), batch_size=50, shuffle=True):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.l1_loss(model(air[2000:]), rain[2000:]).item())
