# expects: nothing
"""One trunk, two tasks on alternate steps, and a pooler whose output this script does not need."""

import torch
import torch.nn.functional as F
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.LayerNorm(32))
        self.pooler = nn.Linear(32, 32)

    def forward(self, x):
        hidden = self.body(x)
        return hidden, torch.tanh(self.pooler(hidden))


class TwoTasks(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.classify = nn.Linear(32, 3)
        self.regress = nn.Linear(32, 1)

    def forward(self, x, task):
        hidden, _ = self.encoder(x)
        return self.classify(hidden) if task == "class" else self.regress(hidden)


torch.manual_seed(0)
x = torch.randn(1200, 12)
kind = (x @ torch.randn(12, 3)).argmax(1)
value = torch.sin(x[:, :1]) + x[:, 1:2]
model = TwoTasks()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for step in range(300):
    rows = torch.randint(0, 1200, (40,))
    if step % 2 == 0:
        loss = F.cross_entropy(model(x[rows], "class"), kind[rows])
    else:
        loss = F.mse_loss(model(x[rows], "value"), value[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 < 2:
        print(step, loss.item())
