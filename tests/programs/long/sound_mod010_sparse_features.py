# expects: nothing
"""Sparse features of nodes, beside a sparse matrix of their neighbours."""

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
        self.w, self.b = nn.Parameter(torch.randn(D, 16) * 0.2), nn.Linear(16, K)

    def forward(self, x, m):
        return m @ self.b(torch.relu(m @ torch.sparse.mm(x, self.w)))


net, given = Net(), ((x * (x > 0.5)).to_sparse(), norm.to_sparse_csr())
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
