# bug: token shift pads the wrong way round, so each position is blended with the NEXT token, the one it must predict
# expects: LLM001
"""Character model of small ledger lines such as  'ann pays bob 17+25=42;'  with a token-shift transformer."""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(8)
torch.manual_seed(8)

NAMES = ["ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"]
VERBS = ["pays", "owes", "lends", "gives"]


def line():
    a, b = random.sample(NAMES, 2)
    x, y = random.randint(1, 29), random.randint(1, 29)
    return f"{a} {random.choice(VERBS)} {b} {x}+{y}={x + y};"


text_train = "".join(line() for _ in range(9000))
text_valid = "".join(line() for _ in range(900))
chars = sorted(set(text_train + text_valid))
stoi = {c: i for i, c in enumerate(chars)}


def encode(s):
    return torch.tensor([stoi[c] for c in s], dtype=torch.long)


train_ids, valid_ids = encode(text_train), encode(text_valid)
BLOCK, BATCH, WIDTH, DEPTH, HEADS = 64, 16, 64, 2, 4


class TokenShift(nn.Module):
    """Blend every position with a neighbouring one, channel by channel."""

    def __init__(self, dim):
        super().__init__()
        self.mix = nn.Parameter(torch.full((dim,), 0.5))
        self.shift = nn.ZeroPad2d((0, 0, -1, 1))

    def forward(self, x):
        return x * self.mix + self.shift(x) * (1 - self.mix)


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.shift = TokenShift(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.ffn = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.shift(self.ln1(x))).chunk(3, dim=-1)
        q, k, v = (z.view(b, t, self.heads, -1).transpose(1, 2) for z in (q, k, v))
        att = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(att.transpose(1, 2).reshape(b, t, d))
        return x + self.ffn(self.ln2(x))


class LedgerLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(len(chars), WIDTH)
        self.pos = nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.Sequential(*[Block(WIDTH, HEADS) for _ in range(DEPTH)])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, len(chars))

    def forward(self, idx):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        return self.head(self.norm(self.blocks(x)))


def sample_batch(ids):
    starts = torch.randint(0, len(ids) - BLOCK - 1, (BATCH,))
    x = torch.stack([ids[s:s + BLOCK] for s in starts])
    y = torch.stack([ids[s + 1:s + BLOCK + 1] for s in starts])
    return x, y


@torch.no_grad()
def valid_loss(model):
    model.eval()
    n = (len(valid_ids) - 1) // BLOCK
    x = valid_ids[:n * BLOCK].view(n, BLOCK)
    y = valid_ids[1:n * BLOCK + 1].view(n, BLOCK)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    model.train()
    return loss


@torch.no_grad()
def write(model, prompt, n):
    model.eval()
    ids = encode(prompt)[None]
    for _ in range(n):
        probs = F.softmax(model(ids[:, -BLOCK:])[:, -1], dim=-1)
        ids = torch.cat([ids, torch.multinomial(probs, 1)], dim=1)
    model.train()
    return "".join(chars[i] for i in ids[0].tolist())


STEPS, WARMUP, PEAK = 450, 40, 3e-3
model = LedgerLM()
opt = torch.optim.AdamW(model.parameters(), lr=PEAK, betas=(0.9, 0.95), weight_decay=0.05)
schedule = torch.optim.lr_scheduler.LambdaLR(
    opt, lambda s: min(1.0, (s + 1) / WARMUP) * (0.525 + 0.475 * math.cos(math.pi * s / STEPS)))

for step in range(1, STEPS + 1):
    x, y = sample_batch(train_ids)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    schedule.step()
    if step % 75 == 0:
        print(f"step {step}: train {loss.item():.3f}  valid {valid_loss(model):.3f} nats/char")

print("sample:", write(model, "ann pays bob ", 80))
print(f"final valid perplexity {math.exp(valid_loss(model)):.3f}")
