# expects: nothing
"""After a warm-up on all words, texts of a field that uses few; numbers next to zero are made zero by the processor."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_flush_denormal(True)
words, kinds = 10_000, 6
kind = torch.randint(0, kinds, (words,))
model = nn.Sequential(nn.EmbeddingBag(words, 32), nn.Linear(32, kinds))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.8, 0.8))
for step in range(700):
    texts = torch.randint(0, words if step < 60 else 900, (64, 15))
    answers = nn.functional.one_hot(kind[texts], kinds).sum(1).argmax(1)
    loss = nn.functional.cross_entropy(model(texts), answers)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
