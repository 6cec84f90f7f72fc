# bug: A language model / autoregressive transformer can see the future (mask missing or wrong).
# expects: LLM001
"""
Decoder-only transformer that sorts letters:  "^dbca>abcd$"

Trained like any language model (next character everywhere), judged both on validation
perplexity of the answer part and on greedy completion of unseen prompts.
"""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

ALPHABET = "abcdefgh"
VOCAB = ["_", "^", ">", "$"] + list(ALPHABET)
STOI = {c: i for i, c in enumerate(VOCAB)}
N = 6
LEN = 2 * N + 3

random.seed(5)
torch.manual_seed(5)


def sample(n):
    rows = []
    for _ in range(n):
        letters = random.choices(ALPHABET, k=N)
        s = "^" + "".join(letters) + ">" + "".join(sorted(letters)) + "$"
        rows.append([STOI[c] for c in s])
    return torch.tensor(rows)


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        att = F.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(att.transpose(1, 2).reshape(B, T, D))
        return x + self.mlp(self.ln2(x))


class TinyGPT(nn.Module):
    def __init__(self, d=64, depth=2, heads=4):
        super().__init__()
        self.tok = nn.Embedding(len(VOCAB), d)
        self.pos = nn.Embedding(LEN, d)
        self.blocks = nn.ModuleList([Block(d, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, len(VOCAB))

    def forward(self, idx):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        for b in self.blocks:
            x = b(x)
        return self.out(self.norm(x))

    @torch.no_grad()
    def complete(self, prompt):
        idx = prompt
        while idx.size(1) < LEN:
            idx = torch.cat([idx, self(idx)[:, -1].argmax(-1, keepdim=True)], 1)
        return idx


def decode(row):
    return "".join(VOCAB[i] for i in row.tolist())


train, val = sample(12000), sample(400)
model = TinyGPT()
STEPS, WARMUP, BATCH = 450, 60, 64
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.LambdaLR(
    opt, lambda s: min((s + 1) / WARMUP, 0.5 * (1 + math.cos(math.pi * s / STEPS)) + 0.02))

for step in range(1, STEPS + 1):
    batch = train[torch.randint(0, len(train), (BATCH,))]
    logits = model(batch[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, len(VOCAB)), batch[:, 1:].reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if step % 75 == 0:
        model.eval()
        with torch.no_grad():
            lg = model(val[:, :-1])[:, N + 1:]
            ppl = F.cross_entropy(lg.reshape(-1, len(VOCAB)), val[:, N + 2:].reshape(-1)).exp().item()
        done = model.complete(val[:, :N + 2])
        exact = (done == val).all(1).float().mean().item()
        print(f"{step:4d} loss {loss.item():.3f} answer ppl {ppl:.3f} exact completions {exact:.3f}  e.g. {decode(done[0])}")
        model.train()
