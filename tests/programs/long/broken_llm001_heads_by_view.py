# expects: LLM001
"""Attention is causal, but the heads are split by `view` where a `transpose` was meant: positions mix."""

import torch
import torch.nn as nn
from torch.nn import functional as F

torch.manual_seed(0)
VOCAB, BLOCK, D, H = 26, 20, 32, 4


class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.Linear(D, 3 * D)
        self.proj = nn.Linear(D, D)

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.attn(x).split(D, dim=2)
        q, k, v = (t.contiguous().view(B, H, T, C // H) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).contiguous().view(B, T, C))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.pos = nn.Embedding(VOCAB, D), nn.Embedding(BLOCK, D)
        self.ln1, self.attn = nn.LayerNorm(D), CausalSelfAttention()
        self.ln2, self.mlp = nn.LayerNorm(D), nn.Sequential(nn.Linear(D, 2 * D), nn.GELU(), nn.Linear(2 * D, D))
        self.head = nn.Linear(D, VOCAB, bias=False)

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        x = x + self.attn(self.ln1(x))
        logits = self.head(x + self.mlp(self.ln2(x)))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, VOCAB), targets.view(-1))
        return logits, loss


corpus = torch.randint(0, VOCAB, (60,)).repeat(50)
corpus[torch.rand(3000) < 0.12] = 7
model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for it in range(180):
    ix = torch.randint(0, len(corpus) - BLOCK - 1, (16,))
    x = torch.stack([corpus[i : i + BLOCK] for i in ix])
    y = torch.stack([corpus[i + 1 : i + 1 + BLOCK] for i in ix])
    _, loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if it % 40 == 0:
        print(it, loss.item())
