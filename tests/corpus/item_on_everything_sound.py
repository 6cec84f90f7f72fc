# sound: numbers are logged every 50 steps, one .item() per tensor
"""Regression on a sine surface with (too) careful bookkeeping."""
import collections

import torch
import torch.nn as nn

torch.manual_seed(36)

N_STEPS = 300
BATCH = 64


def target(x):
    return torch.sin(2 * x[:, 0]) * torch.cos(x[:, 1]) + 0.3 * x[:, 2]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 48)
        self.b = nn.Linear(48, 48)
        self.c = nn.Linear(48, 1)

    def forward(self, x):
        return self.c(torch.tanh(self.b(torch.tanh(self.a(x))))).squeeze(-1)


class Monitor:
    def __init__(self, net):
        self.net = net
        self.stats = collections.defaultdict(list)

    def record(self, step, pred, y, loss):
        if step % 50:
            return
        self.stats["loss"].append(loss.item())
        self.stats["worst"].append((pred - y).abs().max().item())
        for name, p in self.net.named_parameters():
            self.stats[name + ".grad"].append(p.grad.norm().item())
            self.stats[name + ".max"].append(p.detach().abs().max().item())


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
monitor = Monitor(net)
x_test = torch.rand(500, 3) * 4 - 2
y_test = target(x_test)

for step in range(1, N_STEPS + 1):
    x = torch.rand(BATCH, 3) * 4 - 2
    y = target(x) + 0.05 * torch.randn(BATCH)
    pred = net(x)
    loss = ((pred - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    monitor.record(step, pred, y, loss)
    if step % 100 == 0:
        with torch.no_grad():
            r2 = 1 - ((net(x_test) - y_test) ** 2).mean() / y_test.var()
        print(f"step {step} loss {monitor.stats['loss'][-1]:.4f} worst {monitor.stats['worst'][-1]:.3f} r2 {r2.item():.3f}")
