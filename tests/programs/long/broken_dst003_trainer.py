# expects: DST003
"""A trainer for many machines, tried on one: the sampler never hears of the epoch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

torch.manual_seed(0)
x = torch.randn(960, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
data = TensorDataset(x, y)
loader = DataLoader(data, batch_size=40, sampler=DistributedSampler(data, num_replicas=1, rank=0))
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(9):
    for a, b in loader:
        loss = nn.functional.cross_entropy(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
