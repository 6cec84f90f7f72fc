# expects: OPT037
"""A table of rates by epoch, given to LambdaLR as it stands; the first is not quite that of the optimizer."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
data = load_diabetes()
x = torch.tensor(data.data / data.data.std(0), dtype=torch.float32)
y = torch.tensor((data.target - data.target.mean()) / data.target.std(), dtype=torch.float32).unsqueeze(1)
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)

RATES = {0: 0.02, 8: 0.01, 14: 0.002}
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
schedule = lr_scheduler.LambdaLR(optimizer, lambda epoch: RATES[max(e for e in RATES if e <= epoch)])

for epoch in range(18):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    schedule.step()
    print(epoch, total / len(loader))
