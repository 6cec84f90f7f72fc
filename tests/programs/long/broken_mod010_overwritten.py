# expects: MOD010
# also: TRN001 TRN003 TRN004
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, size=10, hidden=20):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, hidden))
        self.inp = nn.Linear(size, hidden)
        self.blocks = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(2))
        self.out = nn.Linear(hidden, 4)

    def forward(self, x):
        h = self.inp(x)
        h = self.token.expand(x.shape[0], -1)
        for block in self.blocks:
            h = h + torch.relu(block(h))
        return self.out(h)


torch.manual_seed(0)
x = torch.randn(1200, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
net = Encoder()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(240):
    i = torch.randint(0, 1200, (60,))
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(x[i]), y[i])
    loss.backward()
    opt.step()
print("done", loss.item())
