# expects: PRF006
"""The whole validation set is scored after every tenth batch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
x = torch.randn(3000, 25)
y = (x[:, 0] * x[:, 1] > 0).long()
batches = DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=25, shuffle=True)
validation = DataLoader(TensorDataset(x[1000:], y[1000:]), batch_size=5)
net = nn.Sequential(nn.Linear(25, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)


@torch.no_grad()
def score():
    net.eval()
    right = sum(int((net(a).argmax(1) == b).sum()) for a, b in validation)
    net.train()
    return right / 2000


step = 0
for epoch in range(16):
    for a, b in batches:
        loss = nn.functional.cross_entropy(net(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 10 == 0:
            print(step, loss.item(), score())
