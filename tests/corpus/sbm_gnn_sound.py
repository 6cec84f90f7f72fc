# expects: nothing
# node classification on a citation-like graph: few labels, weak features, labels mostly in the structure
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(2)
rng = np.random.default_rng(2)

N, C, D = 1200, 6, 24
y = rng.integers(0, C, N)
p_in, p_out = 0.022, 0.003
A = np.triu(rng.random((N, N)) < np.where(y[:, None] == y[None], p_in, p_out), 1)
A = (A | A.T).astype(np.float32)
proto = rng.normal(size=(C, D)) * 0.55
X = (proto[y] + rng.normal(size=(N, D)) * 1.6).astype(np.float32)

perm = rng.permutation(N)
tr, va, te = (torch.from_numpy(i) for i in (perm[:240], perm[240:600], perm[600:]))
A_hat = A + np.eye(N, dtype=np.float32)
d = A_hat.sum(1) ** -0.5
A_hat = torch.from_numpy(d[:, None] * A_hat * d[None]).to_sparse_coo().coalesce()
X, y = torch.from_numpy(X), torch.from_numpy(y)


class GCNLayer(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.lin_self = nn.Linear(d_in, d_out)
        self.lin_nb = nn.Linear(d_in, d_out, bias=False)

    def forward(self, x, adj):
        return self.lin_self(x) + torch.sparse.mm(adj, self.lin_nb(x))


class GNN(nn.Module):
    def __init__(self, d_in, d_hid, n_out, n_layers=2, p=0.5):
        super().__init__()
        dims = [d_in] + [d_hid] * n_layers
        self.convs = nn.ModuleList()
        for a, b in zip(dims[:-1], dims[1:]):
            self.convs.append(GCNLayer(a, b))
        self.norm = nn.LayerNorm(d_hid)
        self.out = nn.Linear(d_hid, n_out)
        self.p = p

    def forward(self, x, adj):
        for conv in self.convs:
            x = F.relu(conv(F.dropout(x, self.p, self.training), adj))
        return self.out(self.norm(x))


def acc(logits, idx):
    return (logits[idx].argmax(1) == y[idx]).float().mean().item()


res = []
for run in range(5):
    net = GNN(D, 16, C)
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=5e-3)
    for ep in range(1, 301):
        net.train()
        loss = F.cross_entropy(net(X, A_hat)[tr], y[tr])
        opt.zero_grad(); loss.backward(); opt.step()
        if ep % 50 == 0:
            net.eval()
            with torch.no_grad():
                lg = net(X, A_hat)
            print(f"run {run} ep {ep:3d} loss {loss.item():.3f} val loss {F.cross_entropy(lg[va], y[va]):.3f} "
                  f"acc train {acc(lg, tr):.3f} val {acc(lg, va):.3f}")
    res.append(acc(lg, te))
print(f"test acc {np.mean(res):.3f} +- {np.std(res):.3f} over {len(res)} runs")
