# expects: MOD009
"""A class token before the series: attention runs along the batch, where all class tokens are the same one."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 12, 6)
y = (x[:, :, 0].mean(1) > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(6, 32)
        self.cls = nn.Parameter(torch.randn(1, 1, 32) * 0.02)
        self.pos = nn.Parameter(0.02 * torch.randn(1, 13, 32))
        self.enc = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64), 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 2)

    def forward(self, x):
        h = torch.cat([self.cls.expand(len(x), -1, -1), self.inp(x)], 1) + self.pos
        return self.head(self.enc(h)[:, 0])


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for ep in range(4):
    for idx in torch.randperm(1600).split(32):
        loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(ep, loss.item())
