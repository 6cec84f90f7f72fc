# expects: OPT001
# also: LLM007
"""Two parameter groups chosen by name; the names were changed later and one block now matches neither."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.mix = nn.Linear(dim, dim)
        self.dim = dim

    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
        weights = (q @ k.transpose(1, 2) / math.sqrt(self.dim)).softmax(-1)
        return x + self.mix(weights @ v)


class Tagger(nn.Module):
    def __init__(self, vocab, dim, tags):
        super().__init__()
        self.embedding = nn.Embedding(vocab, dim)
        self.block = Block(dim)
        self.classifier = nn.Linear(dim, tags)

    def forward(self, tokens):
        return self.classifier(self.block(self.embedding(tokens)))


torch.manual_seed(3)
tokens = torch.randint(0, 30, (400, 12))
tags = (tokens + tokens.roll(1, dims=1)) % 4

model = Tagger(30, 32, 4)
groups = [
    {"params": [p for n, p in model.named_parameters() if n.startswith("embedding")], "lr": 3e-3},
    {"params": [p for n, p in model.named_parameters() if n.startswith(("attention", "classifier"))], "lr": 1e-3},
]
optimizer = torch.optim.AdamW(groups, weight_decay=0.01)

for epoch in range(12):
    for idx in torch.randperm(400).split(25):
        logits = model(tokens[idx])
        loss = F.cross_entropy(logits.reshape(-1, 4), tags[idx].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
