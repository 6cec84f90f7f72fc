# expects: LLM015
"""Attention written out with a causal mask; rows hold several melodies whose positions begin anew."""

import math

import torch
from torch import nn

torch.manual_seed(3)
NOTES, LENGTH = 20, 36


class Block(nn.Module):
    def __init__(self, size=32, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, 64), nn.GELU(), nn.Linear(64, size))
        self.norm = nn.LayerNorm(size)

    def forward(self, x):
        batch, length, size = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        weights = weights.masked_fill(torch.ones(length, length).triu(1).bool(), -torch.inf).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, size))
        return x + self.mlp(x)


class Composer(nn.Module):
    def __init__(self, size=32):
        super().__init__()
        self.notes, self.places = nn.Embedding(NOTES, size), nn.Embedding(LENGTH, size)
        self.blocks = nn.ModuleList(Block(size) for _ in range(2))
        self.head = nn.Linear(size, NOTES)

    def forward(self, batch):
        x = self.notes(batch["notes"]) + self.places(batch["positions"])
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def row():
    notes, positions = [], []
    while len(notes) <= LENGTH:
        count = int(torch.randint(5, 15, ()))
        notes += ((torch.randint(0, NOTES, ()) + torch.randint(1, 3, (count,)).cumsum(0)) % NOTES).tolist()
        positions += range(count)
    return notes[: LENGTH + 1], positions[:LENGTH]


rows = [row() for _ in range(400)]
notes, positions = torch.tensor([one for one, _ in rows]), torch.tensor([one for _, one in rows])
model = Composer()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for some in torch.randperm(400).split(20):
        scores = model({"notes": notes[some, :-1], "positions": positions[some]})
        loss = nn.functional.cross_entropy(scores.transpose(1, 2), notes[some, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
