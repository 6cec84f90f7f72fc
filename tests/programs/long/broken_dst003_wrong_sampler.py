# expects: DST003
"""`set_epoch` is called, on the sampler of the held-out data."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def loaders(train, held_out, rank=0, world=2):
    samplers = [DistributedSampler(part, world, rank) for part in (train, held_out)]
    return [
        (DataLoader(part, batch_size=20, sampler=sampler), sampler)
        for part, sampler in zip((train, held_out), samplers)
    ]


torch.manual_seed(0)
x = torch.rand(1200, 5)
y = (x[:, :1] - x[:, 1:2]).abs()
(train_loader, _), (test_loader, sampler) = loaders(
    TensorDataset(x[:1000], y[:1000]), TensorDataset(x[1000:], y[1000:])
)
net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(10):
    sampler.set_epoch(epoch)
    for a, b in train_loader:
        loss = F.mse_loss(net(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), sum(F.mse_loss(net(a), b).item() for a, b in test_loader))
