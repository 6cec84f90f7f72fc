# expects: nothing
"""Tiny GPT on kitchen tickets: learns to write the next order line. Words are tokens."""
import math
import random
from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(31)
torch.manual_seed(31)

DISH = {"soup": ["bread", "cream", "croutons"], "steak": ["fries", "salad", "pepper"], "pasta": ["parmesan", "pesto", "chili"],
        "fish": ["lemon", "rice", "spinach"], "burger": ["onions", "cheese", "pickles"]}
SIZE, EXTRA = ["small", "medium", "large"], ["please", "quickly", "now", "later"]


def ticket():
    out = ["table", str(random.randint(1, 12)), "wants"]
    for k in range(random.randint(1, 3)):
        dish = random.choice(list(DISH))
        if k:
            out.append("and")
        out += ["one", random.choice(SIZE), dish, "with", random.choice(DISH[dish])]
    if random.random() < 0.5:
        out.append(random.choice(EXTRA))
    return out + ["."]


def stream(n):
    return [w for _ in range(n) for w in ticket()]


text_train, text_val = stream(2500), stream(300)
vocab = sorted(set(text_train))
stoi = {w: i for i, w in enumerate(vocab)}
train_ids = torch.tensor([stoi[w] for w in text_train])
val_ids = torch.tensor([stoi[w] for w in text_val])
CONTEXT, BATCH = 32, 24


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.ln2(x))


class TicketGPT(nn.Module):
    def __init__(self, vocab_size, d=64, heads=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(vocab_size, d)
        self.pos = nn.Parameter(torch.zeros(CONTEXT, d))
        self.blocks = nn.ModuleList(Block(d, heads) for _ in range(layers))
        self.ln = nn.LayerNorm(d)
        self.lm_head = nn.Linear(d, vocab_size, bias=False)
        nn.init.normal_(self.tok.weight, std=0.1)
        nn.init.normal_(self.pos, std=0.1)

    def forward(self, input_ids, labels=None):
        h = self.tok(input_ids) + self.pos[: input_ids.shape[1]]
        for block in self.blocks:
            h = block(h)
        logits = self.lm_head(self.ln(h))
        loss = None
        if labels is not None:
            logits_for_loss, labels = logits[:, :-1], labels[:, 1:]
            loss = F.cross_entropy(logits_for_loss.reshape(-1, logits.shape[-1]), labels.reshape(-1))
        return logits, loss

    @torch.no_grad()
    def write(self, prompt, n):
        ids = prompt
        for _ in range(n):
            logits, _ = self(ids[:, -CONTEXT:])
            nxt = torch.multinomial(logits[:, -1].softmax(-1), 1)
            ids = torch.cat([ids, nxt], 1)
        return ids


def batch(ids):
    at = torch.randint(len(ids) - CONTEXT, (BATCH,))
    return torch.stack([ids[i: i + CONTEXT] for i in at])


@torch.no_grad()
def report(model):
    model.eval()
    chunks = val_ids[: len(val_ids) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    val_loss = model(chunks, labels=chunks)[1].item()
    ids = model.write(torch.full((8, 1), stoi["."]), 60)
    pairs = [(a, b) for row in ids.tolist() for a, b in zip(row, row[1:])]
    legal = sum(p in KNOWN for p in pairs) / len(pairs)
    model.train()
    return val_loss, legal, " ".join(vocab[i] for i in ids[0, 1:16].tolist())


KNOWN = set(Counter(zip(train_ids.tolist(), train_ids[1:].tolist())))
model = TicketGPT(len(vocab))
steps = 500
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / 50, 0.55 + 0.45 * math.cos(math.pi * s / steps)))
for step in range(1, steps + 1):
    x = batch(train_ids)
    _, loss = model(x, labels=x)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if step % 100 == 0:
        val_loss, legal, sample = report(model)
        print(f"step {step:4d}  train {loss.item():.3f}  val {val_loss:.3f}  legal word pairs {legal:.3f}  | {sample}")
