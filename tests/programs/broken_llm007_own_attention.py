# expects: LLM007
"""One layer of causal attention written by hand; the codes of the places are made, and never added."""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)
VOCAB, LENGTH, WIDTH = 10, 14, 40


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, WIDTH)
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, VOCAB))
        steps = torch.arange(LENGTH)[:, None] * torch.exp(-torch.arange(0, WIDTH, 2) * math.log(1e4) / WIDTH)
        self.register_buffer("codes", torch.cat([steps.sin(), steps.cos()], 1))

    def forward(self, ids):
        x = self.embed(ids)
        h = self.norm(x)
        scores = self.q(h) @ self.k(h).mT / math.sqrt(WIDTH)
        hidden = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
        x = x + scores.masked_fill(hidden, float("-inf")).softmax(-1) @ self.v(h)
        return self.head(x)


# The next token is the one from four places before.
start = torch.randint(0, VOCAB, (700, 4))
text = start.repeat(1, 4)[:, : LENGTH + 1]
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(700).split(35):
        logits = model(text[rows, :-1])
        loss = F.cross_entropy(logits.reshape(-1, VOCAB), text[rows, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
