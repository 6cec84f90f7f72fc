# expects: nothing
"""A fixed number of passes; the weights are written to memory, and the other loader is for a program that comes later."""

import io

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = ((x[:, 0] * x[:, 1] + 0.7 * torch.randn(1200)) > 0).long()
learned, held_out = random_split(TensorDataset(x, y), [900, 300])
later = DataLoader(held_out, 100)
net = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(10):
    total = 0.0
    for inputs, labels in DataLoader(learned, 60, shuffle=True):
        loss = nn.functional.cross_entropy(net(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / 15)
file = io.BytesIO()
torch.save(net.state_dict(), file)
print(len(file.getvalue()), "bytes;", len(later), "batches for later")
