# expects: nothing
import math
from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(31)
torch.manual_seed(31)

VERBS = ["stir", "chop", "boil", "fold", "whisk", "roast", "drain", "grate", "slice", "rinse"]
SIZES = ["fine", "large", "small", "fresh", "old", "warm", "cold", "raw"]
THINGS = ["onions", "beans", "rice", "butter", "eggs", "lemons", "figs", "oats", "cream", "leeks", "plums", "bread"]
WHERE = ["in a pan", "by hand", "over ice", "with salt", "for an hour", "until soft"]


def line():
    words = [rng.choice(VERBS)]
    if rng.random() < 0.6:
        words.append(rng.choice(SIZES))
    words.append(rng.choice(THINGS))
    if rng.random() < 0.5:
        words.append("and " + rng.choice(THINGS))
    words.append(rng.choice(WHERE))
    return " ".join(words) + ". "


def corpus(n_lines):
    return "".join(line() for _ in range(n_lines))


train_text, valid_text = corpus(4000), corpus(400)
chars = sorted(set(train_text))
stoi = {c: i for i, c in enumerate(chars)}
encode = lambda s: torch.tensor([stoi[c] for c in s])
train_ids, valid_ids = encode(train_text), encode(valid_text)
CONTEXT, DIM, HEADS, LAYERS, BATCH, STEPS = 48, 48, 4, 2, 16, 500


class LocalMix(nn.Module):
    """Short depthwise convolution over the preceding characters."""

    def __init__(self, dim, kernel=4):
        super().__init__()
        self.conv = nn.Conv1d(dim, dim, kernel, padding=kernel - 1, groups=dim)

    def forward(self, x):
        T = x.size(1)
        return self.conv(x.transpose(1, 2))[..., :T].transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(B, T, D))


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2, self.n3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.mix, self.att = LocalMix(dim), Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 3 * dim), nn.GELU(), nn.Linear(3 * dim, dim))

    def forward(self, x):
        x = x + self.mix(self.n1(x))
        x = x + self.att(self.n2(x))
        return x + self.mlp(self.n3(x))


class Writer(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.tok = nn.Embedding(vocab, DIM)
        self.pos = nn.Embedding(CONTEXT, DIM)
        self.layers = nn.Sequential(*[Layer(DIM, HEADS) for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(DIM)
        self.out = nn.Linear(DIM, vocab)

    def forward(self, ids):
        h = self.tok(ids) + self.pos(torch.arange(ids.size(1)))
        return self.out(self.norm(self.layers(h)))


def batch(ids, n):
    at = torch.randint(len(ids) - CONTEXT - 1, (n,))
    rows = torch.stack([ids[i:i + CONTEXT + 1] for i in at])
    return rows[:, :-1], rows[:, 1:]


@torch.no_grad()
def valid_bits(model):
    model.eval()
    usable = (len(valid_ids) - 1) // CONTEXT * CONTEXT
    x, y = valid_ids[:usable].view(-1, CONTEXT), valid_ids[1:usable + 1].view(-1, CONTEXT)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    model.train()
    return loss.item() / math.log(2)


@torch.no_grad()
def write(model, n, prompt="stir fine onions in a pan. "):
    model.eval()
    ids = encode(prompt)[None]
    for _ in range(n):
        probs = model(ids[:, -CONTEXT:])[:, -1].softmax(-1)
        ids = torch.cat([ids, torch.multinomial(probs, 1)], 1)
    model.train()
    return "".join(chars[i] for i in ids[0, len(prompt):])


model = Writer(len(chars))
opt = torch.optim.AdamW(model.parameters(), lr=4e-3, betas=(0.9, 0.98), weight_decay=0.05)
sched = torch.optim.lr_scheduler.LambdaLR(
    opt, lambda s: min((s + 1) / 50, 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * s / STEPS)))
)
for step in range(1, STEPS + 1):
    x, y = batch(train_ids, BATCH)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if step % 100 == 0:
        print(f"step {step} train bits {loss.item() / math.log(2):.3f} valid bits {valid_bits(model):.3f}")

sample = write(model, 400)
known = Counter(train_text.replace(".", "").split())
words = sample.replace(".", "").split()[1:-1]
print("sample:", sample[:120])
print(f"valid bits per character {valid_bits(model):.3f}; real words in sample {sum(w in known for w in words) / max(len(words), 1):.2f}")
