# expects: nothing
"""Warm restarts by a new cosine for each of five cycles, each run to its end; snapshots are averaged."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(900, 14)
y = (x @ torch.randn(14, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=45, shuffle=True)
model = nn.Sequential(nn.Linear(14, 40), nn.ReLU(), nn.Linear(40, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
snapshots = []
for cycle in range(5):
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = 0.1
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3 * len(loader))
    for epoch in range(3):
        for a, b in loader:
            loss = nn.functional.cross_entropy(model(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    snapshots.append({name: value.clone() for name, value in model.state_dict().items()})
    print(cycle, loss.item())
