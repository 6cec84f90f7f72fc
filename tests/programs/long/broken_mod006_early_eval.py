# expects: MOD006
"""Trainer class that validates every 40 steps in the middle of an epoch."""

import torch
from torch import nn


class Trainer:
    def __init__(self, net, x, y):
        self.net, self.x, self.y = net, x, y
        self.optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        self.best = 0.0

    def validate(self):
        self.net.eval()
        with torch.inference_mode():
            score = (self.net(self.x[-200:]).argmax(-1) == self.y[-200:]).float().mean().item()
        self.best = max(self.best, score)
        return score

    def fit(self, steps):
        self.net.train()
        for step in range(1, steps + 1):
            rows = torch.randint(0, len(self.x) - 200, (48,))
            loss = nn.functional.cross_entropy(self.net(self.x[rows]), self.y[rows])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            if step % 40 == 0:
                print(step, round(loss.item(), 3), self.validate())


torch.manual_seed(0)
x = torch.randn(1400, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
net = nn.Sequential(nn.Linear(12, 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, 4))
Trainer(net, x, y).fit(320)
