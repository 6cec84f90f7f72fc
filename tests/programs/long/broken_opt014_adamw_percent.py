# expects: OPT014
# also: TRN001 TRN003 MOD010
"""weight_decay given in percent: 100 for 1 %."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 4)).argmax(1)


class Residual(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.a, self.b = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, v):
        return v + self.b(nn.functional.relu(self.a(v)))


net = nn.Sequential(nn.Linear(12, 24), Residual(24), Residual(24), nn.Linear(24, 4))
decay = 100
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=decay)
for epoch in range(15):
    for bx, by in DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(bx), by)
        loss.backward()
        opt.step()
    print(epoch, float(loss))
