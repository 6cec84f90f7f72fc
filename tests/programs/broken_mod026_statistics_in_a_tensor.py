# expects: MOD026
"""Running statistics, both rows of one plain tensor."""

import torch
import torch.nn.functional as F
from torch import nn


class Whitened(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.stats = torch.stack([torch.zeros(size), torch.ones(size)])
        self.hidden = nn.Linear(size, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        now = torch.stack([x.mean(0), x.std(0)])
        if self.training:
            self.stats = 0.95 * self.stats + 0.05 * now
        used = now if self.training else self.stats
        return self.out(F.gelu(self.hidden((x - used[0]) / used[1]))).flatten()


torch.manual_seed(1)
x = torch.randn(1400, 6) * 3 + 5
y = (x[:, 0] - 5) * (x[:, 1] - 5) / 9
model = Whitened(6)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(14):
    model.train()
    for rows in torch.randperm(1200).split(60):
        loss = F.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), F.mse_loss(model(x[1200:]), y[1200:]).item())
