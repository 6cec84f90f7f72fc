# expects: TRN005
"""An early-stopping class that keeps "the best weights" and puts them back at the end."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class EarlyStopping:
    def __init__(self, patience=4):
        self.patience, self.best, self.bad, self.state = patience, None, 0, None

    def step(self, value, model):
        if self.best is None or value < self.best:
            self.best, self.bad = value, 0
            self.state = model.state_dict()
        else:
            self.bad += 1
        return self.bad > self.patience


torch.manual_seed(0)
x = torch.randn(500, 20)
y = x[:, :2].sum(1, keepdim=True) + 0.3 * torch.randn(500, 1)
train = DataLoader(TensorDataset(x[:400], y[:400]), batch_size=20, shuffle=True)
net = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
stopper = EarlyStopping()
for epoch in range(15):
    net.train()
    for a, b in train:
        loss = nn.functional.mse_loss(net(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        if stopper.step(nn.functional.mse_loss(net(x[400:]), y[400:]).item(), net):
            break
net.load_state_dict(stopper.state)
print(stopper.best)
