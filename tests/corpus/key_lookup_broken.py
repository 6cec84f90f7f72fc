# bug: A layer is computed in forward but its output is not used (overwritten, result dropped).
# expects: MOD027
"""Transformer encoder that answers key-value look-ups: 'k1 v1 k2 v2 ... ? kq' -> value of kq."""
import math
import random

import torch
from torch import nn

N_KEYS, N_VALS, PAIRS = 8, 6, 4
QUERY = N_KEYS * N_VALS
VOCAB = N_KEYS * N_VALS + N_KEYS  # (key,value) tokens, then query tokens
SEQ = PAIRS + 1


def batch(n, rng):
    xs, ys = [], []
    for _ in range(n):
        keys = rng.sample(range(N_KEYS), PAIRS)
        vals = [rng.randrange(N_VALS) for _ in keys]
        j = rng.randrange(PAIRS)
        xs.append([k * N_VALS + v for k, v in zip(keys, vals)] + [QUERY + keys[j]])
        ys.append(vals[j])
    return torch.tensor(xs), torch.tensor(ys)


class EncoderLayer(nn.Module):
    def __init__(self, d, heads, ff):
        super().__init__()
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(d)
        self.norm2 = nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, ff), nn.GELU(), nn.Linear(ff, d))

    def forward(self, x):
        attended, _ = self.attn(x, x, x, need_weights=False)
        h = self.norm1(x)
        return self.norm2(h + self.ff(h))


class LookupModel(nn.Module):
    def __init__(self, d=48, heads=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Parameter(torch.randn(1, SEQ, d) / math.sqrt(d))
        self.layers = nn.ModuleList(EncoderLayer(d, heads, 2 * d) for _ in range(layers))
        self.head = nn.Linear(d, N_VALS)

    def forward(self, ids):
        x = self.tok(ids) + self.pos
        for layer in self.layers:
            x = layer(x)
        return self.head(x.mean(1))


def accuracy(model, data):
    model.eval()
    with torch.inference_mode():
        acc = (model(data[0]).argmax(-1) == data[1]).float().mean().item()
    model.train()
    return acc


if __name__ == "__main__":
    rng = random.Random(4)
    torch.manual_seed(4)
    val = batch(1000, rng)
    model = LookupModel()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    steps = 450
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=steps)
    mean = 0.0
    for step in range(1, steps + 1):
        x, y = batch(128, rng)
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        mean += loss.item() / 90
        if step % 90 == 0:
            print(f"step {step}: loss {mean:.3f} val acc {accuracy(model, val):.3f}")
            mean = 0.0
