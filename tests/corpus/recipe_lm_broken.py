# expects: LLM001 LLM002
"""Small local-attention language model over a toy assembly language, scored by perplexity and by validity of what it writes."""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(21)
torch.manual_seed(21)

OPS = ["load", "add", "mul", "store"]
REGS = ["r0", "r1", "r2", "r3"]
VALS = ["#0", "#1", "#2", "#3", "#4", "#5", "#6", "#7"]
VOCAB = ["<s>", ";"] + OPS + REGS + VALS
STOI = {w: i for i, w in enumerate(VOCAB)}


def program(n_instr):
    """load Rx #v | add Rx Ry (both loaded, different) | mul Rx #v (loaded) | store Rx #v (loaded, and frees Rx)"""
    live, toks = [], ["<s>"]
    for _ in range(n_instr):
        choices = ["load"] if len(live) < 4 else []
        choices += ["mul", "store"] if live else []
        choices += ["add"] if len(live) > 1 else []
        op = random.choice(choices)
        if op == "load":
            r = random.choice([r for r in REGS if r not in live])
            live.append(r)
            toks += [op, r, random.choice(VALS), ";"]
        elif op == "add":
            a, b = random.sample(live, 2)
            toks += [op, a, b, ";"]
        else:
            r = random.choice(live)
            toks += [op, r, random.choice(VALS), ";"]
            if op == "store":
                live.remove(r)
    return [STOI[t] for t in toks]


def valid_instructions(ids):
    """Share of instructions that obey grammar and liveness."""
    words = [VOCAB[i] for i in ids[1:]]
    live, ok, n = set(), 0, 0
    for k in range(0, len(words) - 3, 4):
        op, r, arg, end = words[k:k + 4]
        n += 1
        form = op in OPS and r in REGS and end == ";" and (arg in REGS if op == "add" else arg in VALS)
        if not form:
            continue
        fine = (r not in live) if op == "load" else (r in live and (op != "add" or (arg in live and arg != r)))
        ok += fine
        if op == "load":
            live.add(r)
        elif op == "store":
            live.discard(r)
    return ok / n


class LocalAttention(nn.Module):
    def __init__(self, d, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        i = torch.arange(T)
        dist = i[:, None] - i[None, :]
        near = dist.abs() < self.window
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=near)
        return self.proj(y.transpose(1, 2).reshape(B, T, D))


class Block(nn.Module):
    def __init__(self, d, heads, window):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = LocalAttention(d, heads, window)
        self.mlp = nn.Sequential(nn.Linear(d, 3 * d), nn.GELU(), nn.Linear(3 * d, d))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.mlp(self.n2(x))


class TinyLM(nn.Module):
    def __init__(self, vocab, d=48, heads=4, layers=2, window=24, max_len=64):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(max_len, d)
        self.blocks = nn.ModuleList(Block(d, heads, window) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocab)

    def forward(self, ids):
        x = self.tok(ids) + self.pos(torch.arange(ids.shape[1]))
        for b in self.blocks:
            x = b(x)
        return self.head(self.norm(x))


def nll(model, seqs):
    logits = model(seqs[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), seqs[:, 1:].flatten())


@torch.no_grad()
def write(model, n, length):
    ids = torch.full((n, 1), STOI["<s>"])
    for _ in range(length):
        p = model(ids)[:, -1].softmax(-1)
        ids = torch.cat([ids, torch.multinomial(p, 1)], dim=1)
    return ids.tolist()


train = torch.tensor([program(12) for _ in range(3000)])
valid = torch.tensor([program(12) for _ in range(300)])
model = TinyLM(len(VOCAB))
EPOCHS, BATCH = 7, 64
opt = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, epochs=EPOCHS, steps_per_epoch=math.ceil(len(train) / BATCH))

for epoch in range(EPOCHS):
    model.train()
    running = 0.0
    for idx in torch.randperm(len(train)).split(BATCH):
        loss = nll(model, train[idx])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        running += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        ppl = nll(model, valid).exp().item()
    print(f"epoch {epoch + 1:2d}  train loss {running / len(train):.4f}  val perplexity {ppl:.3f}")

scores = [valid_instructions(s) for s in write(model, 100, 48)]
print(f"valid instructions in sampled programs: {sum(scores) / len(scores):.3f}")
