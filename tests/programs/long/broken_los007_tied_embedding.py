# expects: LOS007
"""A little language model whose output layer shares its weights with N(0, 1) embeddings."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
VOCAB, WIDTH, LENGTH = 50, 96, 16
# a language: the next token follows from the last one, nearly always
successor = torch.randperm(VOCAB)


def sample(batch):
    tokens = torch.empty(batch, LENGTH + 1, dtype=torch.long)
    tokens[:, 0] = torch.randint(0, VOCAB, (batch,))
    for i in range(LENGTH):
        jump = torch.rand(batch) < 0.1
        tokens[:, i + 1] = torch.where(jump, torch.randint(0, VOCAB, (batch,)), successor[tokens[:, i]])
    return tokens[:, :-1], tokens[:, 1:]


class TinyLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCAB, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        x = self.embed(tokens)
        return self.head(self.norm(x + self.mlp(x)))


model = TinyLM()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(200):
    x, y = sample(16)
    logits = model(x)
    loss = F.cross_entropy(logits.reshape(-1, VOCAB), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
