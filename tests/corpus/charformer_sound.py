# expects: nothing
"""Tiny decoder-only character model on the Python reference text (pydoc topics)."""
import math
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from pydoc_data.topics import topics


@dataclass
class Config:
    block: int = 48
    batch: int = 24
    width: int = 64
    heads: int = 4
    layers: int = 2
    dropout: float = 0.0
    lr: float = 3e-3
    warmup: int = 50
    steps: int = 500
    eval_every: int = 100
    eval_batches: int = 8
    seed: int = 1337


cfg = Config()
torch.manual_seed(cfg.seed)

text = "\n".join(topics[k] for k in sorted(topics))[:400_000]
text = "".join(c for c in text if 32 <= ord(c) < 127 or c == "\n")
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
corpus = np.array([stoi[c] for c in text], dtype=np.int64)
cut = int(0.9 * len(corpus))
splits = {"train": corpus[:cut], "val": corpus[cut:]}


def get_batch(split, step):
    data = splits[split]
    rng = np.random.default_rng((cfg.seed, step))
    starts = rng.integers(0, len(data) - cfg.block - 1, size=cfg.batch)
    x = np.stack([data[s:s + cfg.block] for s in starts])
    y = np.stack([data[s + 1:s + cfg.block + 1] for s in starts])
    return torch.from_numpy(x), torch.from_numpy(y)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1 = nn.LayerNorm(cfg.width)
        self.ln2 = nn.LayerNorm(cfg.width)
        self.qkv = nn.Linear(cfg.width, 3 * cfg.width)
        self.proj = nn.Linear(cfg.width, cfg.width)
        self.mlp = nn.Sequential(
            nn.Linear(cfg.width, 4 * cfg.width), nn.GELU(), nn.Linear(4 * cfg.width, cfg.width)
        )

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.ln1(x)).split(c, dim=-1)
        q, k, v = (z.view(b, t, cfg.heads, c // cfg.heads).transpose(1, 2) for z in (q, k, v))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, c))
        return x + self.mlp(self.ln2(x))


class CharModel(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.tok = nn.Embedding(vocab, cfg.width)
        self.pos = nn.Embedding(cfg.block, cfg.width)
        self.blocks = nn.Sequential(*[Block() for _ in range(cfg.layers)])
        self.ln = nn.LayerNorm(cfg.width)
        self.out = nn.Linear(cfg.width, vocab)
        nn.init.normal_(self.tok.weight, std=0.02)
        nn.init.normal_(self.pos.weight, std=0.02)

    def forward(self, idx):
        x = self.tok(idx) + self.pos(torch.arange(idx.shape[1]))
        return self.out(self.ln(self.blocks(x)))


model = CharModel(len(chars))
decay = [p for p in model.parameters() if p.dim() >= 2]
no_decay = [p for p in model.parameters() if p.dim() < 2]
opt = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}],
    lr=cfg.lr, betas=(0.9, 0.98),
)


def lr_factor(step):
    if step < cfg.warmup:
        return (step + 1) / cfg.warmup
    progress = (step - cfg.warmup) / (cfg.steps - cfg.warmup)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * progress))


sched = torch.optim.lr_scheduler.LambdaLR(opt, lr_factor)


@torch.no_grad()
def validate():
    model.eval()
    total = 0.0
    for i in range(cfg.eval_batches):
        x, y = get_batch("val", i)
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    model.train()
    return total / cfg.eval_batches


print(f"{len(corpus)} characters, {len(chars)} symbols, "
      f"{sum(p.numel() for p in model.parameters())} parameters")
t0 = time.time()
for step in range(cfg.steps):
    x, y = get_batch("train", step)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if (step + 1) % cfg.eval_every == 0:
        print(f"step {step + 1:4d}  train {loss.item():.3f}  val {validate():.3f}  "
              f"{time.time() - t0:.1f}s")

print(f"final val bits/char {validate() / math.log(2):.3f}")
