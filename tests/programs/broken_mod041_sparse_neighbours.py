# expects: MOD041
"""Featureless nodes and a sparse matrix of neighbours, which the network does not read."""

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(1)
N, K, D = 600, 5, 24
topic = torch.randint(K, (N,))
p = torch.where(topic[:, None] == topic[None], 0.05, 0.004)
up = torch.triu(torch.rand(N, N) < p, 1)
adj = (up | up.T).float()
x = torch.randn(K, D)[topic] * 0.4 + torch.randn(N, D)
edge = adj.nonzero().t().contiguous()
a_hat = adj + torch.eye(N)
dinv = a_hat.sum(1).rsqrt()
norm = dinv[:, None] * a_hat * dinv[None]
perm = torch.randperm(N)
tr, te = perm[:300], perm[300:]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(N, 16), nn.Linear(16, K)

    def forward(self, x, m):
        return self.b(torch.relu(self.a(x)))


net, given = Net(), (torch.eye(N), norm.to_sparse())
opt = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(150):
    net.train()
    loss = F.cross_entropy(net(*given)[tr], topic[tr])
    opt.zero_grad()
    loss.backward()
    opt.step()
    net.eval()
    with torch.no_grad():
        out = net(*given)
    if epoch % 30 == 0:
        print(epoch, loss.item(), (out[te].argmax(1) == topic[te]).float().mean().item())
