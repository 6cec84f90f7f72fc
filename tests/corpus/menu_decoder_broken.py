# bug: scaled_dot_product_attention gets an upper-triangular bool mask where True means attend, so each position sees only the future and reads off the next token (CausalSelfAttention.forward)
# expects: LLM001
import math
import random
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

STARTERS = "soup salad bread olives ceviche pate".split()
MAINS = "beef trout lamb tofu duck gnocchi".split()
SIDES = "rice fries kale beans mash polenta".split()
WINES = "rioja riesling syrah cava merlot malbec".split()


def write_order(rng):
    m = rng.randrange(6)
    s = rng.randrange(6)
    return f"table {rng.randrange(1000)}, {STARTERS[s]}, {MAINS[m]} and {WINES[m]}, {SIDES[(m + s) % 6]}.\n"


class CharVocab:
    def __init__(self, text):
        self.chars = sorted(set(text))
        self.index = {c: i for i, c in enumerate(self.chars)}

    def encode(self, s):
        return [self.index[c] for c in s]

    def decode(self, ids):
        return "".join(self.chars[i] for i in ids)


class CausalSelfAttention(nn.Module):
    def __init__(self, dim, heads, context):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.register_buffer("mask", torch.triu(torch.ones(context, context, dtype=torch.bool), diagonal=1))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, self.heads, d // self.heads).transpose(1, 2) for z in self.qkv(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask[:t, :t])
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads, context):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = CausalSelfAttention(dim, heads, context)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.mlp(self.n2(x))


class CharLM(nn.Module):
    def __init__(self, vocab, dim=64, heads=4, layers=2, context=64):
        super().__init__()
        self.context = context
        self.tok, self.pos = nn.Embedding(vocab, dim), nn.Embedding(context, dim)
        self.blocks = nn.Sequential(*[Block(dim, heads, context) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, vocab)

    def forward(self, ids):
        h = self.tok(ids) + self.pos(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.blocks(h)))

    @torch.no_grad()
    def complete(self, ids, n):
        for _ in range(n):
            logits = self(torch.tensor([ids[-self.context:]]))[0, -1]
            ids = ids + [int(logits.argmax())]
        return ids


def windows(stream, starts, context):
    w = torch.stack([stream[s:s + context + 1] for s in starts])
    return w[:, :-1], w[:, 1:]


def lm_loss(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def main(steps=520, batch=24):
    random.seed(23), np.random.seed(23), torch.manual_seed(23)
    train_text = "".join(write_order(random) for _ in range(2500))
    held_orders = [write_order(random) for _ in range(300)]
    vocab = CharVocab(train_text)
    train_ids = torch.tensor(vocab.encode(train_text))
    held_ids = torch.tensor(vocab.encode("".join(held_orders)))
    model = CharLM(len(vocab.chars))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=steps)
    for step in range(1, steps + 1):
        starts = torch.randint(0, len(train_ids) - model.context - 1, (batch,)).tolist()
        loss = lm_loss(model, *windows(train_ids, starts, model.context))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        if step % 65 == 0:
            print(f"step {step} loss {loss.item():.4f}")
    model.eval()
    with torch.no_grad():
        starts = range(0, len(held_ids) - model.context - 1, model.context)
        held = lm_loss(model, *windows(held_ids, starts, model.context)).item()
    print(f"held-out loss {held:.4f}  perplexity {math.exp(held):.3f}")
    right = 0
    for order in held_orders[:25]:
        prompt, rest = order.split("and ")
        answer = rest.split(",")[0]
        prompt = vocab.encode("\n" + prompt + "and ")
        out = vocab.decode(model.complete(prompt, len(answer))[len(prompt):])
        right += out == answer
    print(f"wine completed correctly {right}/25, last sample {out!r}")


main()
