# expects: nothing
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_graph(n=1400, topics=7, vocab=300, seed=0):
    """Papers citing papers: stochastic block model, sparse word counts."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, topics, n)
    same = y[:, None] == y[None]
    prob = np.where(same, 0.012, 0.0011)
    upper = np.triu(rng.random((n, n)) < prob, 1)
    adj = (upper | upper.T).astype(np.float32)
    theme = rng.dirichlet(np.full(vocab, 0.25), topics)
    common = rng.dirichlet(np.full(vocab, 0.5))
    words = np.stack([rng.multinomial(22, 0.35 * theme[k] + 0.65 * common) for k in y]).astype(np.float32)
    return torch.from_numpy(adj), torch.from_numpy(words), torch.from_numpy(y)


def normalise(adj):
    a = adj + torch.eye(len(adj))
    d = a.sum(1).rsqrt()
    return (d[:, None] * a * d[None]).to_sparse()


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.lin = nn.Linear(n_in, n_out, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.lin.weight)

    def forward(self, a, h):
        return torch.sparse.mm(a, self.lin(h)) + self.bias


class GCN(nn.Module):
    def __init__(self, n_in, hidden, n_out, p=0.6):
        super().__init__()
        self.c1, self.c2 = GraphConv(n_in, hidden), GraphConv(hidden, n_out)
        self.p = p

    def forward(self, a, x):
        x = F.dropout(x, p=self.p, training=self.training)
        h = F.relu(self.c1(a, x))
        h = F.dropout(h, p=self.p, training=self.training)
        return self.c2(a, h)


def fit(model, a, x, y, idx, epochs=300, lr=0.01, wd=5e-4):
    opt = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=wd)
    for epoch in range(1, epochs + 1):
        model.train()
        opt.zero_grad()
        out = model(a, x)
        loss = F.cross_entropy(out[idx["train"]], y[idx["train"]])
        loss.backward()
        opt.step()
        if epoch % 30 == 0:
            acc = score(model, a, x, y, idx["val"])
            print(f"{epoch:4d} | loss {loss.item():.4f} | val acc {acc:.3f}")
    return model


@torch.no_grad()
def score(model, a, x, y, rows):
    model.eval()
    pred = model(a, x).argmax(1)
    return (pred[rows] == y[rows]).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    adj, words, y = make_graph()
    x = words / words.sum(1, keepdim=True) * 10
    a = normalise(adj)
    order = torch.randperm(len(y))
    idx = {"train": order[:280], "val": order[280:680], "test": order[680:]}
    model = GCN(x.shape[1], 48, int(y.max()) + 1)
    fit(model, a, x, y, idx)
    print(f"test accuracy {score(model, a, x, y, idx['test']):.3f}")
