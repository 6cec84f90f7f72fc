# expects: OPT020
"""Per-batch cosine for an SGD that was replaced by RMSprop when SGD was too slow."""

import torch
import torch.nn.functional as F
from torch import nn, optim

torch.manual_seed(11)
data = torch.randn(640, 3, 6)
labels = data.mean(2).argmax(1)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 16, 3, padding=1)
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        return self.out(F.relu(self.conv(x)).mean(2))


net = Pool()
sgd = optim.SGD(net.parameters(), lr=0.05)
cosine = optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=320)
optimizer = optim.RMSprop(net.parameters(), lr=2e-3)
for step in range(320):
    rows = torch.randint(0, 640, (32,))
    loss = F.cross_entropy(net(data[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    cosine.step()
    if step % 80 == 0:
        print(step, loss.item())
