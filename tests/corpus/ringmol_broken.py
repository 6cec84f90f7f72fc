# expects: OPT015
"""Message passing by hand on made-up molecules: predict a boiling-point-like property.

Graphs come in small chunks to fit the memory of the target board; several chunks make one update.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

NODES, KINDS = 10, 4
CHUNK, ACCUM = 8, 16
EPOCHS = 16


def molecules(n, rng):
    kind = rng.integers(0, KINDS, size=(n, NODES))
    adj = np.zeros((n, NODES, NODES), dtype="float32")
    for g in range(n):
        for v in range(1, NODES):
            u = rng.integers(max(0, v - 3), v)
            adj[g, u, v] = adj[g, v, u] = 1
        for _ in range(rng.integers(0, 4)):
            u, v = rng.choice(NODES, 2, replace=False)
            adj[g, u, v] = adj[g, v, u] = 1
    value = np.array([0.2, 1.0, -0.6, 0.5])
    bond = np.array([[0.1, 0.6, -0.3, 0.2], [0.6, -0.8, 0.5, 0.0], [-0.3, 0.5, 0.3, -0.6], [0.2, 0.0, -0.6, 0.7]])
    pair = bond[kind[:, :, None], kind[:, None, :]]
    prop = value[kind].sum(1) + (pair * adj).sum((1, 2)) / 2 + 0.15 * rng.normal(size=n)
    return torch.from_numpy(kind), torch.from_numpy(adj), torch.from_numpy(prop.astype("float32"))


class Layer(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.own, self.nbr = nn.Linear(d, d), nn.Linear(d, d, bias=False)

    def forward(self, h, adj):
        deg = adj.sum(-1, keepdim=True).clamp(min=1)
        return h + F.silu(self.own(h) + self.nbr(adj @ h / deg.sqrt()))


class Net(nn.Module):
    def __init__(self, d=40, depth=3):
        super().__init__()
        self.emb = nn.Embedding(KINDS, d)
        self.layers = nn.ModuleList(Layer(d) for _ in range(depth))
        self.read = nn.Sequential(nn.Linear(d, d), nn.SiLU(), nn.Linear(d, 1))

    def forward(self, kind, adj):
        h = self.emb(kind)
        for layer in self.layers:
            h = layer(h, adj)
        return self.read(h.mean(1)).squeeze(-1)


def mae(net, data, scale):
    net.eval()
    with torch.no_grad():
        kind, adj, prop = data
        return (net(kind, adj) - prop).abs().mean().item() * scale


rng = np.random.default_rng(17)
torch.manual_seed(17)
kind, adj, prop = molecules(3072 + 600, rng)
mu, sd = prop[:3072].mean(), prop[:3072].std()
prop = (prop - mu) / sd
train = kind[:3072], adj[:3072], prop[:3072]
valid = kind[3072:], adj[3072:], prop[3072:]

net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.08, momentum=0.9, nesterov=True)
for epoch in range(EPOCHS):
    net.train()
    log = 0.0
    chunks = torch.randperm(3072).split(CHUNK)
    opt.zero_grad()
    for i, idx in enumerate(chunks, start=1):
        loss = F.smooth_l1_loss(net(train[0][idx], train[1][idx]), train[2][idx])
        loss.backward()
        log += loss.item() / len(chunks)
        if i % ACCUM == 0:
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            opt.step()
            opt.zero_grad()
    if epoch % 3 == 0 or epoch == EPOCHS - 1:
        print(f"epoch {epoch:2d}: loss {log:.4f}, valid MAE {mae(net, valid, sd.item()):.4f} (predicting the mean: "
              f"{(valid[2].abs().mean() * sd).item():.4f})")
