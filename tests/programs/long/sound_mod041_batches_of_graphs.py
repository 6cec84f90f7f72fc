# expects: nothing
"""Batches of small graphs laid end to end: nodes, ends of edges, and the graph of each node."""

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)


def graph():
    n = int(torch.randint(6, 14, (1,)))
    y = int(torch.randint(2, (1,)))
    edge = torch.randint(n, (2, 3 * n))
    x = torch.randn(n, 8) + 0.6 * y
    return x, edge, y


graphs = [graph() for _ in range(800)]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.m, self.b = nn.Linear(8, 32), nn.Linear(32, 32), nn.Linear(32, 2)

    def forward(self, x, edge, owner, count):
        h = torch.relu(self.a(x))
        h = torch.relu(h + self.m(torch.zeros_like(h).index_add_(0, edge[1], h[edge[0]])))
        return self.b(torch.zeros(count, 32).index_add_(0, owner, h) / 10)


def collate(batch):
    xs, es, ys, owner, off = [], [], [], [], 0
    for i, (x, e, y) in enumerate(batch):
        xs.append(x)
        es.append(e + off)
        ys.append(y)
        owner += [i] * len(x)
        off += len(x)
    return torch.cat(xs), torch.cat(es, 1), torch.tensor(owner), torch.tensor(ys)


loader = torch.utils.data.DataLoader(graphs[:700], 32, shuffle=True, collate_fn=collate)
test = torch.utils.data.DataLoader(graphs[700:], 50, collate_fn=collate)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    net.train()
    for x, e, o, y in loader:
        loss = F.cross_entropy(net(x, e, o, len(y)), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    right = 0
    with torch.no_grad():
        for x, e, o, y in test:
            right += (net(x, e, o, len(y)).argmax(1) == y).sum().item()
    print(epoch, loss.item(), right / 100)
