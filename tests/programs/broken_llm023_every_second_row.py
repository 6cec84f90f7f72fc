# expects: LLM023
"""A judge of answers (Bradley-Terry): a collator lays all preferred ones before all rejected ones."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

GREETING = [3, 4, 5]


def write(rng, subject, polite):
    words = [40 + subject if rng.random() < 0.6 else rng.randrange(10, 40) for _ in range(rng.randrange(3, 8))]
    return words + ([6, 7] if polite else [8])


def collate(pairs):
    rows = [prompt + good for prompt, good, _ in pairs] + [prompt + bad for prompt, _, bad in pairs]
    width = max(map(len, rows))
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(60, 24, padding_idx=0)
        self.mix = nn.Sequential(nn.Linear(24, 48), nn.Tanh(), nn.Linear(48, 1))

    def forward(self, ids):
        kept = (ids > 0).unsqueeze(-1)
        return self.mix((self.embed(ids) * kept).sum(1) / kept.sum(1)).squeeze(-1)


rng = random.Random(1)
torch.manual_seed(1)
pairs = []
for _ in range(800):
    subject = rng.randrange(10)
    prompt = [*GREETING, *(rng.randrange(10, 40) for _ in range(4)), 40 + subject]
    pairs.append((prompt, write(rng, subject, True), write(rng, subject, rng.random() < 0.2)))
judge = Judge()
optimizer = torch.optim.AdamW(judge.parameters(), lr=3e-3)
for epoch in range(12):
    total = 0.0
    for ids in DataLoader(pairs, batch_size=32, shuffle=True, collate_fn=collate):
        scores = judge(ids)
        loss = nn.functional.softplus(scores[1::2] - scores[0::2]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / 25)
