# expects: nothing
"""Few different inputs, each seen often: the parity of four bits, from a loader that drops the last batch."""

import itertools

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
table = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)))
parity = table.sum(1).long() % 2
dataset = TensorDataset(table.repeat(20, 1) * 2 - 1, parity.repeat(20))
net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(30):
    for bits, odd in DataLoader(dataset, batch_size=30, shuffle=True, drop_last=True):
        loss = nn.functional.cross_entropy(net(bits), odd)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(loss.item())
