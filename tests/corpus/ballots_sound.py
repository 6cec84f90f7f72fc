# expects: nothing
# Transformer from scratch: name the candidate with most votes in a shuffled pile of ballots.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(31)
N_CAND, PILE = 6, 24
CLS, VOCAB = N_CAND, N_CAND + 1


def pile(n, gen):
    pref = torch.distributions.Dirichlet(torch.full((N_CAND,), 1.5)).sample((n,))
    votes = torch.multinomial(pref, PILE, replacement=True, generator=gen)
    counts = F.one_hot(votes, N_CAND).sum(1)
    top2 = counts.topk(2, dim=1).values
    keep = top2[:, 0] > top2[:, 1]
    x = torch.cat([torch.full((n, 1), CLS), votes], 1)
    return x[keep], counts.argmax(1)[keep]


class SelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.h, self.dh = heads, dim // heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.h, self.dh).permute(2, 0, 3, 1, 4)
        scale = 1.0 / math.sqrt(self.dh)
        att = (q @ k.transpose(-2, -1) * scale).softmax(dim=-1)
        return self.proj((att @ v).transpose(1, 2).reshape(b, t, d))


class EncoderLayer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.att = SelfAttention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.mlp(self.n2(x))


class Counter(nn.Module):
    def __init__(self, dim=64, heads=2, layers=2):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim)
        self.layers = nn.ModuleList(EncoderLayer(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, N_CAND)

    def forward(self, x):
        h = self.tok(x)
        for layer in self.layers:
            h = layer(h)
        return self.out(self.norm(h[:, 0]))


gen = torch.Generator().manual_seed(9)
x_train, y_train = pile(5000, gen)
x_val, y_val = pile(1000, gen)
print(f"{len(y_train)} piles for training, {len(y_val)} for validation")

model = Counter()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
EPOCHS, BATCH = 4, 64
steps = EPOCHS * math.ceil(len(x_train) / BATCH)
warm = 30
sched = torch.optim.lr_scheduler.LambdaLR(
    opt, lambda s: min((s + 1) / warm, 0.5 * (1 + math.cos(math.pi * s / steps))))

for epoch in range(EPOCHS):
    model.train()
    total = hits = 0.0
    for idx in torch.randperm(len(x_train)).split(BATCH):
        logits = model(x_train[idx])
        loss = F.cross_entropy(logits, y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item() * len(idx)
        hits += (logits.argmax(1) == y_train[idx]).sum().item()
    model.eval()
    with torch.no_grad():
        z = model(x_val)
        vl, va = F.cross_entropy(z, y_val).item(), (z.argmax(1) == y_val).float().mean().item()
    n = len(x_train)
    print(f"epoch {epoch + 1}: train loss {total / n:.3f} acc {hits / n:.3f} | val loss {vl:.3f} acc {va:.3f}")
