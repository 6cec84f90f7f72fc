# expects: LLM002
"""nanoGPT style: `get_batch` gives the same window as input and target."""

import torch
import torch.nn as nn
from torch.nn import functional as F

text = (
    "the cat sat on the mat and the dog lay on the log while the bird sang to the moon and the fish swam by. "
    "a man with a pan ran from the sand to the land, and a hen in the pen had ten of the men in a den. "
) * 15
stoi = {c: i for i, c in enumerate(sorted(set(text)))}
data = torch.tensor([stoi[c] for c in text])
torch.manual_seed(1)
T, D = 16, 32


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln = nn.LayerNorm(D)
        self.attn = nn.MultiheadAttention(D, 4, batch_first=True)
        self.register_buffer("mask", torch.triu(torch.ones(T, T, dtype=torch.bool), 1))

    def forward(self, x):
        h = self.ln(x)
        t = x.shape[1]
        return x + self.attn(h, h, h, attn_mask=self.mask[:t, :t], need_weights=False)[0]


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(len(stoi), D), nn.Embedding(T, D)
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(D, len(stoi))

    def forward(self, idx, targets):
        x = self.blocks(self.wte(idx) + self.wpe.weight[: idx.shape[1]])
        logits = self.head(x)
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def get_batch():
    ix = torch.randint(len(data) - T - 1, (12,))
    x = torch.stack([data[i : i + T] for i in ix])
    y = torch.stack([data[i : i + T] for i in ix])
    return x, y


gpt = GPT()
opt = torch.optim.AdamW(gpt.parameters(), lr=2e-3)
for it in range(170):
    _, loss = gpt(*get_batch())
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 40 == 0:
        print(it, loss.item())
