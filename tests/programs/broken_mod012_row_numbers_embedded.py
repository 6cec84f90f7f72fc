# expects: MOD012
"""Regression on short sequences: the embedding of the place is looked up by the number of the row."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(3, 24)
        self.place = nn.Embedding(64, 24)
        self.gru = nn.GRU(24, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        h = self.inp(x) + self.place(torch.arange(x.size(0))).unsqueeze(1)
        states, _ = self.gru(h)
        return self.out(states[:, -1]).squeeze(-1)


x = torch.randn(1500, 8, 3)
y = x[:, -4:, 0].sum(1) + 0.5 * x[:, -1, 1]
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(260):
    pick = torch.randint(0, 1500, (32,))
    loss = F.mse_loss(net(x[pick]), y[pick])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
