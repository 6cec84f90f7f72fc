# expects: nothing
"""Small causal language model over airport gate log lines of uneven length."""
import argparse
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, BOS, EOS = 0, 1, 2
CHARS = "abcdefghijklmnopqrstuvwxyz0123456789 :>"
STOI = {c: i + 3 for i, c in enumerate(CHARS)}
ITOS = {i: c for c, i in STOI.items()}
VOCAB = len(CHARS) + 3
CITIES = ["oslo", "rome", "lima", "cairo", "delhi", "seoul", "quito", "madrid", "nairobi", "helsinki"]
STATES = {"a": "open", "b": "boarding", "c": "closed"}


def make_line(rng):
    city = rng.choice(CITIES)
    gate = f"{rng.choice('abc')}{rng.randint(10, 99)}"
    letter, num = gate[0], gate[1:]
    return f"{gate} {city}> {STATES[letter]} {num[::-1]} {city}"


def encode(s):
    return [BOS] + [STOI[c] for c in s] + [EOS]


def pad_batch(seqs):
    width = max(len(s) for s in seqs)
    out = torch.full((len(seqs), width), PAD)
    for i, s in enumerate(seqs):
        out[i, : len(s)] = torch.tensor(s)
    return out


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, self.heads, -1).transpose(1, 2) for z in self.qkv(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, mask):
        x = x + self.attn(self.n1(x), mask)
        return x + self.mlp(self.n2(x))


class GateLM(nn.Module):
    def __init__(self, dim, heads, depth, ctx):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim)
        self.pos = nn.Embedding(ctx, dim)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, VOCAB)

    def forward(self, ids):
        t = ids.size(1)
        future = torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=1)
        padded = ids.eq(PAD)
        mask = future[None, None] | padded[:, None, None, :]
        x = self.tok(ids) + self.pos(torch.arange(t))
        for blk in self.blocks:
            x = blk(x, ~mask)
        return self.head(self.norm(x))


def lm_loss(model, batch):
    logits = model(batch[:, :-1])
    return F.cross_entropy(logits.reshape(-1, VOCAB), batch[:, 1:].reshape(-1), ignore_index=PAD)


@torch.no_grad()
def complete(model, prompt, limit):
    ids = [BOS] + [STOI[c] for c in prompt]
    out = ""
    for _ in range(limit):
        nxt = int(model(torch.tensor([ids]))[0, -1].argmax())
        if nxt == EOS:
            break
        out += ITOS.get(nxt, "?")
        ids.append(nxt)
    return out


def evaluate(model, lines):
    model.eval()
    with torch.no_grad():
        nll = lm_loss(model, pad_batch([encode(s) for s in lines])).item()
    right = 0
    for s in lines[:100]:
        head, tail = s.split(">")
        right += complete(model, head + ">", 30) == tail
    model.train()
    return nll, right / 100


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=700)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=11)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    lines = set()
    while len(lines) < 2200:
        lines.add(make_line(rng))
    lines = sorted(lines)
    rng.shuffle(lines)
    train, held = lines[:1900], lines[1900:]

    model = GateLM(dim=64, heads=4, depth=2, ctx=64)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    warm = 50
    sched = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda s: min((s + 1) / warm, 0.05 + 0.475 * (1 + math.cos(math.pi * s / args.steps))))
    for step in range(1, args.steps + 1):
        batch = pad_batch([encode(s) for s in rng.sample(train, args.batch)])
        loss = lm_loss(model, batch)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f}")
    nll, exact = evaluate(model, held)
    print(f"held-out nll/char {nll:.4f}  exact completions {exact:.2f}")


if __name__ == "__main__":
    main()
