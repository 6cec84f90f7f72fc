# expects: NUM004
"""A power with a fractional exponent has an infinite slope at zero; a scaler hides it by skipping."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
counts = torch.poisson(torch.full((900, 6), 0.8))
y = counts.sum(1, keepdim=True).sqrt()


class Spread(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(6))
        self.net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net((x * self.scale) ** 0.5)


model = Spread()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=50)
for epoch in range(4):
    for a, b in DataLoader(TensorDataset(counts, y), batch_size=30, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.l1_loss(model(a), b)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print(epoch, loss.item(), scaler.get_scale())
