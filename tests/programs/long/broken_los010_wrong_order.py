# expects: LOS010
"""Weights were written down in the order of the class names, which is not that of the labels."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
x = torch.randn(2000, 6)
level = x[:, 0] + 0.5 * x[:, 1].abs()
labels = (level > 0.9).long() + (level > 1.8).long()  # 0 calm, 1 alert, 2 alarm
weight_of = {"alarm": 10.0, "alert": 4.0, "calm": 1.0}
weights = torch.tensor([weight_of[name] for name in sorted(weight_of)])


class Monitor(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 24), nn.Tanh())
        self.head = nn.Linear(24, 3)

    def forward(self, x):
        return F.log_softmax(self.head(self.body(x)), dim=1)


net = Monitor()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(320):
    rows = torch.randint(0, 2000, (64,))
    loss = F.nll_loss(net(x[rows]), labels[rows], weight=weights)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 80 == 0:
        print(step, loss.item())
