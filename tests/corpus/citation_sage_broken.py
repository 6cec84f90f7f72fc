# bug: what the neighbours say is computed and left out of the layer's output
# expects: MOD027
"""Topic of a paper from weak text features and the citation graph (block model made up here)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def citation_graph(n=1800, k=6, dim=40, seed=8):
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, k, n)
    p = np.where(topic[:, None] == topic[None], 0.012, 0.0012)
    upper = np.triu(rng.random((n, n)) < p, 1)
    adj = torch.tensor(upper | upper.T, dtype=torch.float32)
    centers = rng.normal(0, 0.35, (k, dim))
    feats = torch.tensor(centers[topic] + rng.normal(0, 1, (n, dim)), dtype=torch.float32)
    mean_adj = (adj / adj.sum(1, keepdim=True).clamp(min=1)).to_sparse_csr()
    return feats, mean_adj, torch.tensor(topic)


class SageLayer(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.own = nn.Linear(d_in, d_out)
        self.cited = nn.Linear(d_in, d_out, bias=False)
        self.norm = nn.LayerNorm(d_out)

    def forward(self, h, adj):
        around = self.cited(adj @ h)
        out = self.own(h)
        return F.relu(self.norm(out))


class TopicNet(nn.Module):
    def __init__(self, d_in, width, k, p=0.5):
        super().__init__()
        self.layers = nn.ModuleList([SageLayer(d_in, width), SageLayer(width, width)])
        self.head = nn.Linear(width, k)
        self.p = p

    def forward(self, x, adj):
        h = x
        for layer in self.layers:
            h = layer(F.dropout(h, self.p, self.training), adj)
        return self.head(F.dropout(h, self.p, self.training))


def split(n, gen):
    perm = torch.randperm(n, generator=gen)
    a, b = int(0.5 * n), int(0.7 * n)
    return perm[:a], perm[a:b], perm[b:]


def accuracy(logits, y, idx):
    return (logits[idx].argmax(1) == y[idx]).float().mean().item()


def run(epochs=200, lr=5e-3, width=48):
    torch.manual_seed(0)
    x, adj, y = citation_graph()
    tr, va, te = split(len(y), torch.Generator().manual_seed(2))
    net = TopicNet(x.shape[1], width, int(y.max()) + 1)
    opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=5e-3)
    best, best_state = 0.0, None
    for epoch in range(1, epochs + 1):
        net.train()
        loss = F.cross_entropy(net(x, adj)[tr], y[tr])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        net.eval()
        with torch.no_grad():
            logits = net(x, adj)
        va_acc = accuracy(logits, y, va)
        if va_acc > best:
            best, best_state = va_acc, {k: v.clone() for k, v in net.state_dict().items()}
        if epoch % 20 == 0:
            print(f"{epoch:4d} loss {loss.item():.4f} train {accuracy(logits, y, tr):.3f} valid {va_acc:.3f}")
    net.load_state_dict(best_state)
    net.eval()
    with torch.no_grad():
        logits = net(x, adj)
    print(f"best valid {best:.3f}  test {accuracy(logits, y, te):.3f}")


if __name__ == "__main__":
    run()
