# bug: MeanConv sends messages against the shipments: h[dst] is summed into src (and the degree counted there), so suppliers hear their customers
# expects: no-rule-yet
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
rng = np.random.default_rng(0)

# ---- plants and their shipments: source plant delivers to destination plant ----
N = 1500
features = rng.normal(size=(N, 8)).astype(np.float32)
sources, targets = [], []
for plant in range(N):
    for supplier in rng.choice(N, size=rng.integers(2, 7), replace=False):
        if supplier != plant:
            sources.append(supplier)
            targets.append(plant)
src = torch.tensor(sources)
dst = torch.tensor(targets)

# a plant is late when its own stock is low and its suppliers (and theirs) are strained
strain = np.tanh(features[:, 0] + features[:, 1] * features[:, 2])
s, d = np.array(sources), np.array(targets)
indeg = np.bincount(d, minlength=N)


def from_suppliers(v):
    return np.bincount(d, weights=v[s], minlength=N) / np.maximum(indeg, 1)


first = from_suppliers(strain)
second = from_suppliers(first)
delay = 3.0 * first + 2.0 * second - 0.5 * features[:, 3] + 0.1 * rng.normal(size=N)

perm = rng.permutation(N)
train_ids = torch.tensor(perm[:900])
valid_ids = torch.tensor(perm[900:1200])
test_ids = torch.tensor(perm[1200:])
x = torch.from_numpy(features)
y = torch.tensor(delay, dtype=torch.float32)
mu, sd = y[train_ids].mean(), y[train_ids].std()
z = (y - mu) / sd


class MeanConv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.own = nn.Linear(cin, cout)
        self.neigh = nn.Linear(cin, cout, bias=False)

    def forward(self, h, src, dst):
        msg = torch.zeros_like(h).index_add_(0, src, h[dst])
        deg = torch.zeros(h.size(0)).index_add_(0, src, torch.ones(len(src)))
        return self.own(h) + self.neigh(msg / deg.clamp(min=1).unsqueeze(1))


class DelayNet(nn.Module):
    def __init__(self, cin=8, hid=32):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(cin, hid), nn.ReLU(), nn.Linear(hid, hid), nn.ReLU())
        self.c1 = MeanConv(hid, hid)
        self.c2 = MeanConv(hid, hid)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(hid, 1)

    def forward(self, x):
        h = self.enc(x)
        h = self.drop(F.relu(self.c1(h, src, dst)))
        h = self.drop(F.relu(self.c2(h, src, dst)))
        return self.out(h).squeeze(1)


def score(ids):
    net.eval()
    with torch.no_grad():
        p = net(x)[ids] * sd + mu
    net.train()
    return (1 - ((p - y[ids]) ** 2).mean() / y[ids].var(unbiased=False)).item()


net = DelayNet()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-3)
best, best_state = -1e9, None
for it in range(1, 501):
    optimizer.zero_grad()
    loss = F.smooth_l1_loss(net(x)[train_ids], z[train_ids])
    loss.backward()
    optimizer.step()
    if it % 20 == 0:
        v = score(valid_ids)
        if v > best:
            best, best_state = v, {k: t.clone() for k, t in net.state_dict().items()}
        if it % 100 == 0:
            print(f"iter {it:4d} | loss {loss.item():.4f} | train R2 {score(train_ids):.3f} | valid R2 {v:.3f}")

net.load_state_dict(best_state)
print(f"best valid R2 {best:.3f}   test R2 {score(test_ids):.3f}")
