# bug: dropout stays on in evaluation
# expects: MOD022
"""Semi-supervised: which of five topics does a forum user belong to? Two-layer graph convolution
on the reply graph (simulated), words of the profile as features."""
import numpy as np
import torch
import torch.nn.functional as F
from torch.nn import Linear, Module


def forum(n=900, topics=5, words=120, seed=17):
    rng = np.random.RandomState(seed)
    y = rng.randint(topics, size=n)
    same = y[:, None] == y[None]
    p = np.where(same, 0.022, 0.003)
    adj = np.triu(rng.rand(n, n) < p, 1)
    adj = (adj | adj.T).astype(np.float32)
    rates = 0.05 + 0.13 * (rng.rand(topics, words) < 0.12)
    x = (rng.rand(n, words) < rates[y]).astype(np.float32)
    x = x / np.maximum(x.sum(1, keepdims=True), 1) * 3
    return torch.from_numpy(x), torch.from_numpy(adj), torch.from_numpy(y).long()


def normalise(adj):
    a = adj + torch.eye(len(adj))
    d = a.sum(1).rsqrt()
    return (d[:, None] * a * d[None]).to_sparse()


class GCN(Module):
    def __init__(self, n_in, n_hid, n_out, p):
        super().__init__()
        self.p = p
        self.l1 = Linear(n_in, n_hid)
        self.l2 = Linear(n_hid, n_out)

    def forward(self, x, a):
        x = F.dropout(x, self.p)
        h = F.relu(torch.sparse.mm(a, self.l1(x)))
        h = F.dropout(h, self.p)
        return torch.sparse.mm(a, self.l2(h))


def splits(y, per_class, n_val, gen):
    perm = torch.randperm(len(y), generator=gen)
    train = torch.cat([perm[y[perm] == c][:per_class] for c in range(int(y.max()) + 1)])
    rest = perm[~torch.isin(perm, train)]
    return train, rest[:n_val], rest[n_val:]


@torch.no_grad()
def scores(model, x, a, y, *parts):
    model.eval()
    out = model(x, a)
    return [((out[i].argmax(-1) == y[i]).float().mean().item(), F.cross_entropy(out[i], y[i]).item()) for i in parts]


def once(seed, verbose):
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(100 + seed)
    x, adj, y = forum()
    a = normalise(adj)
    tr, va, te = splits(y, 40, 200, gen)
    model = GCN(x.shape[1], 32, 5, p=0.6)
    opt = torch.optim.Adam([{"params": model.l1.parameters(), "weight_decay": 5e-4},
                            {"params": model.l2.parameters()}], lr=0.01)
    best, best_test = 1e9, 0.0
    for ep in range(1, 301):
        model.train()
        loss = F.cross_entropy(model(x, a)[tr], y[tr])
        opt.zero_grad()
        loss.backward()
        opt.step()
        (va_acc, va_loss), (te_acc, _) = scores(model, x, a, y, va, te)
        if va_loss < best:
            best, best_test = va_loss, te_acc
        if verbose and ep % 30 == 0:
            print(f"  {ep:4d}  train loss {loss.item():.4f}  val loss {va_loss:.4f}  val acc {va_acc:.3f}")
    return best_test


if __name__ == "__main__":
    res = []
    for s in range(4):
        res.append(once(s, verbose=s == 0))
        print(f"run {s}: test accuracy {res[-1]:.3f}")
    print(f"mean test accuracy {np.mean(res):.3f} +- {np.std(res):.3f}")
