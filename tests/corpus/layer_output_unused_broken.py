# bug: forward computes h = self.attn(x) but goes on with x, so the attention is never used
# expects: MOD027 MOD011
import json
import math
import time
from dataclasses import asdict, dataclass

import torch
from torch import nn


@dataclass
class Args:
    length: int = 10
    symbols: int = 12
    dim: int = 48
    heads: int = 4
    lr: float = 2e-3
    steps: int = 400
    batch: int = 64
    seed: int = 123


def associative_recall(n, a, g):
    """key value pairs, then a query key; answer with the value that belonged to it."""
    half = a.length // 2
    keys = torch.stack([torch.randperm(a.symbols, generator=g)[:half] for _ in range(n)])
    vals = torch.randint(0, a.symbols, (n, half), generator=g)
    which = torch.randint(0, half, (n,), generator=g)
    rows = torch.arange(n)
    return keys, vals, keys[rows, which], vals[rows, which]


class Reader(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.key, self.val = nn.Embedding(a.symbols, a.dim), nn.Embedding(a.symbols, a.dim)
        self.q = nn.Embedding(a.symbols, a.dim)
        self.attn = nn.MultiheadAttention(a.dim, a.heads, batch_first=True)
        self.norm = nn.LayerNorm(a.dim)
        self.ff = nn.Sequential(nn.Linear(a.dim, 2 * a.dim), nn.ReLU(), nn.Linear(2 * a.dim, a.symbols))

    def forward(self, keys, vals, query):
        x = self.q(query).unsqueeze(1)
        memory = self.key(keys)
        h, _ = self.attn(x, memory, memory + self.val(vals))
        x = self.norm(x)
        return self.ff(x.squeeze(1))


@torch.no_grad()
def accuracy(net, a, seed):
    net.eval()
    k, v, q, t = associative_recall(1000, a, torch.Generator().manual_seed(seed))
    net.train()
    return (net(k, v, q).argmax(1) == t).double().mean().item()


def main(a=Args()):
    print(json.dumps(asdict(a)))
    torch.manual_seed(a.seed)
    pool = associative_recall(12000, a, torch.Generator().manual_seed(a.seed))
    net = Reader(a)
    opt = torch.optim.Adam(net.parameters(), lr=a.lr)
    warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 40))
    start = time.perf_counter()
    for s in range(a.steps):
        ix = torch.randint(0, 12000, (a.batch,))
        k, v, q, t = (z[ix] for z in pool)
        loss = nn.functional.cross_entropy(net(k, v, q), t)
        opt.zero_grad()
        loss.backward()
        opt.step()
        warm.step()
        if (s + 1) % 100 == 0:
            print(json.dumps({"step": s + 1, "loss": round(loss.item(), 4), "chance": round(math.log(a.symbols), 4),
                              "accuracy": accuracy(net, a, 1), "seconds": round(time.perf_counter() - start, 1)}))


main()
