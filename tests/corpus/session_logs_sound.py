# expects: nothing
"""
Flag log-ins whose event order breaks the protocol: every AUTH must come before the first DATA,
and CLOSE must come after the last DATA. The bag of events is the same for good and bad sessions.
"""
import math
import random

import torch
from torch import nn

EVENTS = ["PING", "RETRY", "KEEP", "SYNC", "WARN", "INFO", "AUTH", "DATA", "CLOSE"]
AUTH, DATA, CLOSE = 6, 7, 8
T = 24


def session(r):
    toks = [r.randrange(0, 6) for _ in range(T)]
    a, d1, d2, c = sorted(r.sample(range(T), 4))
    good = r.random() < 0.5
    if not good:
        if r.random() < 0.5:
            a, d1 = d1, a
        else:
            d2, c = c, d2
    toks[a], toks[d1], toks[d2], toks[c] = AUTH, DATA, DATA, CLOSE
    return toks, int(not good)


def build(n, seed):
    r = random.Random(seed)
    rows = [session(r) for _ in range(n)]
    return torch.tensor([a for a, _ in rows]), torch.tensor([b for _, b in rows])


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=512):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[:, :x.size(1)]
        return self.dropout(x)


class OrderChecker(nn.Module):
    def __init__(self, n_tok, d=64, heads=4, layers=2):
        super().__init__()
        self.d = d
        self.tok = nn.Embedding(n_tok, d)
        nn.init.normal_(self.tok.weight, std=d ** -0.5)
        self.pos = PositionalEncoding(d, dropout=0.05)
        enc = nn.TransformerEncoderLayer(d, heads, dim_feedforward=128, dropout=0.05, batch_first=True)
        self.encoder = nn.TransformerEncoder(enc, layers, enable_nested_tensor=False)
        self.cls = nn.Linear(d, 2)

    def forward(self, ids):
        x = self.tok(ids) * math.sqrt(self.d)
        x = self.encoder(self.pos(x))
        return self.cls(x.mean(dim=1))


torch.manual_seed(8)
xtr, ytr = build(4000, 1)
xva, yva = build(1000, 2)
model = OrderChecker(len(EVENTS))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=100)

for epoch in range(10):
    model.train()
    perm = torch.randperm(len(xtr))
    total = 0.0
    for k in range(0, len(perm), 50):
        b = perm[k:k + 50]
        optimizer.zero_grad()
        loss = criterion(model(xtr[b]), ytr[b])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(b)

    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(c) for c in xva.split(250)])
    vloss = criterion(logits, yva).item()
    pred = logits.argmax(1)
    tp = ((pred == 1) & (yva == 1)).sum().item()
    prec, rec = tp / max(1, (pred == 1).sum().item()), tp / (yva == 1).sum().item()
    acc = (pred == yva).float().mean().item()
    print("| epoch %2d | train %.4f | valid %.4f | acc %.3f | prec %.3f | rec %.3f |"
          % (epoch + 1, total / len(xtr), vloss, acc, prec, rec))
