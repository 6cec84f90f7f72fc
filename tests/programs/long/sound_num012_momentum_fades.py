# expects: nothing
"""Momentum of rows that are no longer looked up fades to numbers next to zero; SGD takes no root of it."""

import torch
from torch import nn

torch.manual_seed(0)
words, kinds = 10_000, 6
kind = torch.randint(0, kinds, (words,))
model = nn.Sequential(nn.EmbeddingBag(words, 32), nn.Linear(32, kinds))
optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.8)
for step in range(700):
    texts = torch.randint(0, words if step < 60 else 900, (64, 15))
    answers = nn.functional.one_hot(kind[texts], kinds).sum(1).argmax(1)
    loss = nn.functional.cross_entropy(model(texts), answers)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
