# bug: the output of the neighbours is never added
# expects: MOD027
"""Field of a paper from its key words and the citation graph (GraphSAGE, mean aggregator, full batch)."""
import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

FIELDS, WORDS, PAPERS = 6, 80, 2400


def build_corpus(seed=0):
    rng = np.random.default_rng(seed)
    field = rng.integers(0, FIELDS, PAPERS)
    topic = rng.dirichlet(np.full(WORDS, 0.9), FIELDS)
    general = rng.dirichlet(np.full(WORDS, 2.0))
    x = np.zeros((PAPERS, WORDS), dtype=np.float32)
    for i, f in enumerate(field):
        x[i] = rng.multinomial(12, 0.3 * topic[f] + 0.7 * general)
    rows, cols = [], []
    members = [np.flatnonzero(field == f) for f in range(FIELDS)]
    for i, f in enumerate(field):
        for _ in range(1 + rng.poisson(2.2)):
            j = rng.choice(members[f]) if rng.random() < 0.72 else rng.integers(PAPERS)
            if j != i:
                rows += [i, j]
                cols += [j, i]
    edges = torch.tensor(np.unique(np.stack([rows, cols]), axis=1))
    return torch.from_numpy(x), torch.from_numpy(field), edges


class SageLayer(nn.Module):
    def __init__(self, d_in, d_out, dropout):
        super().__init__()
        self.lin_self = nn.Linear(d_in, d_out)
        self.lin_nbr = nn.Linear(d_in, d_out, bias=False)
        self.norm = nn.LayerNorm(d_out)
        self.dropout = nn.Dropout(dropout)

    def forward(self, h, edges):
        src, dst = edges
        agg = torch.zeros_like(h).index_add_(0, dst, h[src])
        deg = torch.bincount(dst, minlength=h.size(0)).clamp(min=1).unsqueeze(1)
        nbr = self.lin_nbr(agg / deg)
        out = self.lin_self(h)
        out = F.relu(self.norm(out))
        return self.dropout(out)


class PaperNet(nn.Module):
    def __init__(self, hidden=32, dropout=0.5):
        super().__init__()
        self.inp = nn.Dropout(0.2)
        self.sage1 = SageLayer(WORDS, hidden, dropout)
        self.sage2 = SageLayer(hidden, hidden, dropout)
        self.cls = nn.Linear(hidden, FIELDS)

    def forward(self, x, edges):
        h = self.sage1(self.inp(x), edges)
        h = self.sage2(h, edges)
        return self.cls(h)


@torch.no_grad()
def accuracy(model, x, y, edges, masks):
    model.eval()
    logits = model(x, edges)
    return [(logits[m].argmax(1) == y[m]).float().mean().item() for m in masks] + \
           [F.cross_entropy(logits[masks[1]], y[masks[1]]).item()]


def main():
    torch.manual_seed(4)
    x, y, edges = build_corpus()
    perm = torch.randperm(PAPERS)
    train, valid, test = perm[:1000], perm[1000:1500], perm[1500:]
    x = torch.log1p(x)
    x = (x - x[train].mean(0)) / (x[train].std(0) + 0.1)
    print(f"{PAPERS} papers, {edges.size(1) // 2} citations, majority "
          f"{torch.bincount(y[test]).max().item() / len(test):.3f}")

    model = PaperNet()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    best, best_state, patience = float("inf"), None, 0
    for epoch in range(1, 401):
        model.train()
        loss = F.cross_entropy(model(x, edges)[train], y[train])
        opt.zero_grad()
        loss.backward()
        opt.step()
        tr, va, te, va_loss = accuracy(model, x, y, edges, (train, valid, test))
        if va_loss < best:
            best, best_state, patience = va_loss, copy.deepcopy(model.state_dict()), 0
        else:
            patience += 1
        if epoch % 10 == 0:
            print(f"{epoch:4d}  loss {loss.item():.4f}  valid loss {va_loss:.4f}  acc train {tr:.3f} valid {va:.3f}")
        if patience >= 25:
            break
    model.load_state_dict(best_state)
    tr, va, te, va_loss = accuracy(model, x, y, edges, (train, valid, test))
    print(f"stopped at {epoch}: valid acc {va:.4f}  test acc {te:.4f}")


if __name__ == "__main__":
    main()
