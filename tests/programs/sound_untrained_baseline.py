# expects: nothing
import copy

import torch
from torch import nn

torch.manual_seed(3)
x = torch.randn(1500, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
untrained = copy.deepcopy(model).requires_grad_(False).eval()


@torch.no_grad()
def accuracy(net, batches):
    return sum((net(x[rows]).argmax(1) == y[rows]).sum().item() for rows in batches) / sum(
        len(rows) for rows in batches
    )


optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(400):
    rows = torch.randint(1200, (64,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
held_out = torch.arange(1200, 1500).split(10)
print("untrained", accuracy(untrained, held_out))
print("trained", accuracy(model, held_out))
