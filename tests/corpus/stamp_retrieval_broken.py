# bug: the hardest negative is (dist * mask).min(), and the masked-out pairs count as distance 0, so the negative distance is always 0 and nothing pushes classes apart
# expects: LOS060
"""Embeddings of stamp scans; retrieval is judged on stamp designs that training has not seen."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--designs", type=int, default=90)
    p.add_argument("--unseen", type=int, default=30)
    p.add_argument("--scans", type=int, default=24)
    p.add_argument("--p", type=int, default=10)
    p.add_argument("--k", type=int, default=6)
    p.add_argument("--steps", type=int, default=700)
    p.add_argument("--margin", type=float, default=0.3)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--seed", type=int, default=8)
    return p.parse_args()


def scan_features(args, g):
    """48 features per scan: a design part, mixed with light, wear and rotation."""
    design = torch.randn(args.designs, 8, generator=g)
    label = torch.arange(args.designs).repeat_interleave(args.scans)
    inner = design[label] + 0.25 * torch.randn(len(label), 8, generator=g)
    nuisance = 2.0 * torch.randn(len(label), 12, generator=g)
    mix = torch.randn(20, 48, generator=g) / 20 ** 0.5
    x = torch.cat([inner, nuisance], 1) @ mix
    x = x + 0.3 * torch.sin(2.0 * x) + 0.05 * torch.randn(len(label), 48, generator=g)
    return x, label


class Embedder(nn.Module):
    def __init__(self, inputs=48, hidden=128, out=24):
        super().__init__()
        self.stem = nn.Linear(inputs, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.proj = nn.Linear(hidden, out)

    def forward(self, x):
        h = F.relu(self.stem(x))
        h = h + F.relu(self.mid(h))
        return F.normalize(self.proj(h), dim=1)


def batch_hard_triplet(emb, label, margin):
    dist = (2.0 - 2.0 * emb @ emb.T).clamp(min=1e-8).sqrt()
    same = label[:, None] == label[None, :]
    hardest_pos = (dist * same).max(dim=1).values
    hardest_neg = (dist * ~same).min(dim=1).values
    return F.relu(hardest_pos - hardest_neg + margin).mean()


def pk_batch(label, classes, p, k, g):
    chosen = classes[torch.randperm(len(classes), generator=g)[:p]]
    rows = []
    for c in chosen:
        pool = torch.nonzero(label == c).flatten()
        rows.append(pool[torch.randperm(len(pool), generator=g)[:k]])
    return torch.cat(rows)


@torch.no_grad()
def recall_at_1(model, x, label):
    model.eval()
    emb = model(x)
    sim = emb @ emb.T
    sim.fill_diagonal_(-2.0)
    model.train()
    return (label[sim.argmax(1)] == label).float().mean().item()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    x, label = scan_features(args, g)
    seen = label < args.designs - args.unseen
    x_tr, y_tr = x[seen], label[seen]
    x_te, y_te = x[~seen], label[~seen]
    mean, std = x_tr.mean(0), x_tr.std(0)
    x_tr, x_te = (x_tr - mean) / std, (x_te - mean) / std

    model = Embedder()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    classes = y_tr.unique()
    for step in range(1, args.steps + 1):
        rows = pk_batch(y_tr, classes, args.p, args.k, g)
        loss = batch_hard_triplet(model(x_tr[rows]), y_tr[rows], args.margin)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f} train R@1 {recall_at_1(model, x_tr, y_tr):.3f}")
    print(f"R@1 on unseen designs: {recall_at_1(model, x_te, y_te):.4f}")


if __name__ == "__main__":
    main()
