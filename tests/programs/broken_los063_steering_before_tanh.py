# expects: LOS063
"""Steering learned from a driver; the net returns the raw turn, the steering after a tanh, and the speed."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
seen = torch.randn(2000, 10)
steering = torch.tanh(1.4 * seen[:, :1] - seen[:, 1:2] * seen[:, 2:3])
speed = 3 + seen[:, 3:4].abs() + 0.1 * torch.randn(2000, 1)
drives = DataLoader(TensorDataset(seen[:1600], steering[:1600], speed[:1600]), batch_size=40, shuffle=True)


class Driver(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(10, 64), nn.ELU())
        self.turn, self.pace = nn.Linear(64, 1), nn.Linear(64, 1)

    def forward(self, seen):
        inner = self.inner(seen)
        turn = self.turn(inner)
        return turn, torch.tanh(turn), self.pace(inner)


net, criterion = Driver(), nn.HuberLoss()
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
for epoch in range(10):
    net.train()
    for x, turn, pace in drives:
        raw, wheel, fast = net(x)
        loss = criterion(raw, turn) + 0.5 * criterion(fast, pace)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        _, wheel, _ = net(seen[1600:])
    print(epoch, loss.item(), (wheel - steering[1600:]).abs().mean().item())
