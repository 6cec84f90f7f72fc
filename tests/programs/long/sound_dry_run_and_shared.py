# expects: nothing
"""Lazy layers filled by a dry run, a tied embedding, attention, and warm-up with cosine decay."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Tiny(nn.Module):
    def __init__(self, vocabulary=20, size=24, length=12):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, size)
        self.place = nn.Parameter(torch.zeros(1, length, size))
        self.attention = nn.MultiheadAttention(size, 2, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.up = nn.LazyLinear(48)
        self.down = nn.LazyLinear(size)
        self.drop = nn.Dropout(0.1)

    def forward(self, ids):
        x = self.embed(ids) + self.place[:, : ids.shape[1]]
        mask = torch.triu(torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool), 1)
        y = self.norm1(x)
        x = x + self.drop(self.attention(y, y, y, attn_mask=mask, need_weights=False)[0])
        x = x + self.drop(self.down(F.gelu(self.up(self.norm2(x)))))
        return x @ self.embed.weight.t() / math.sqrt(x.shape[-1])


torch.manual_seed(0)
model = Tiny()
with torch.no_grad():
    model(torch.zeros(2, 12, dtype=torch.long))
print(sum(p.numel() for p in model.parameters()), "parameters")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01)
steps = 300
warm = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda s: min((s + 1) / 20, 0.5 * (1 + math.cos(math.pi * min(s, steps) / steps)))
)


def batch(size=32):
    start = torch.randint(0, 20, (size, 1))
    stride = torch.randint(1, 4, (size, 1))
    ids = (start + stride * torch.arange(13)) % 20
    return ids[:, :-1], ids[:, 1:]


for step in range(steps):
    model.train()
    ids, target = batch()
    loss = F.cross_entropy(model(ids).flatten(0, 1), target.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    warm.step()
    if step % 75 == 74:
        model.eval()
        with torch.no_grad():
            ids, target = batch(64)
            print(step, loss.item(), F.cross_entropy(model(ids).flatten(0, 1), target.flatten()).item())
