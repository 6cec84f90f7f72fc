import argparse as _argparse_source
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass(frozen=True)
class GPTConfig:
    block_size: int = 32
    n_embd: int = 64
    n_head: int = 4
    n_layer: int = 2
    lr: float = 2e-3
    iters: int = 200
    batch_size: int = 16


class SelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.qkv = nn.Linear(c.n_embd, 3 * c.n_embd)
        self.proj = nn.Linear(c.n_embd, c.n_embd)
        self.register_buffer("mask", torch.ones(c.block_size, c.block_size).tril().bool())

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.c.n_head, -1).transpose(1, 2) for t in self.qkv(x).split(C, dim=2))
        att = (q @ k.transpose(-2, -1)) / math.sqrt(k.size(-1))
        att = att.masked_fill(~self.mask[:T, :T], float("-inf"))
        att = F.softmax(att, dim=-1)
        return self.proj((att @ v).transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)
        self.attn = SelfAttention(c)
        self.mlp = nn.Sequential(nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU(), nn.Linear(4 * c.n_embd, c.n_embd))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocab, c):
        super().__init__()
        self.tok = nn.Embedding(vocab, c.n_embd)
        self.pos = nn.Embedding(c.block_size, c.n_embd)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.n_layer))
        self.ln_f = nn.LayerNorm(c.n_embd)
        self.head = nn.Linear(c.n_embd, vocab, bias=False)

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        for b in self.blocks:
            x = b(x)
        logits = self.head(self.ln_f(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def sample_windows(stream, c, g):
    i = torch.randint(len(stream) - c.block_size - 1, (c.batch_size,), generator=g)
    win = stream[i[:, None] + torch.arange(c.block_size + 1)]
    return win[:, :-1], win[:, 1:]


def main():
    cfg = GPTConfig()
    torch.manual_seed(1337)
    g = torch.Generator().manual_seed(1)
    text = open(_argparse_source.__file__, encoding="utf-8").read()
    vocab = sorted(set(text))
    lookup = {c: i for i, c in enumerate(vocab)}
    ids = torch.tensor([lookup[c] for c in text])
    train, val = ids[:-10000], ids[-10000:]

    model = GPT(len(vocab), cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, betas=(0.9, 0.95))
    for it in range(cfg.iters):
        _, loss = model(*sample_windows(train, cfg, g))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        if (it + 1) % 50 == 0:
            print(f"it {it + 1}: loss {loss.item():.3f}")

    model.eval()
    with torch.no_grad():
        vx, vy = sample_windows(val, cfg, g)
        _, vloss = model(vx, vy)
        starts = torch.arange(0, 9900, 33)
        logits, _ = model(val[starts[:, None] + torch.arange(cfg.block_size)])
        nxt = val[starts + cfg.block_size]
        acc = (logits[:, -1].argmax(-1) == nxt).float().mean().item()
    print(f"val loss {vloss.item():.3f}, accuracy of the generated next character {acc:.3f}")


if __name__ == "__main__":
    main()
