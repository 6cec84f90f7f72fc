# expects: LOS004
"""A tagger whose padding mask is the wrong way round: every real label is replaced by -100."""

import torch
from torch import nn

torch.manual_seed(0)
PAD = 0
sentences = torch.randint(1, 60, (300, 9))
tags = sentences % 5


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(60, 32, padding_idx=PAD)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.out = nn.Linear(32, 5)

    def forward(self, tokens):
        hidden, _ = self.rnn(self.embedding(tokens))
        return self.out(hidden)


tagger = Tagger()
criterion = nn.CrossEntropyLoss(ignore_index=-100)
optimizer = torch.optim.Adam(tagger.parameters(), lr=3e-3)
for step in range(160):
    rows = torch.randint(0, 300, (30,))
    gold = tags[rows].masked_fill(sentences[rows] != PAD, -100)
    loss = criterion(tagger(sentences[rows]).transpose(1, 2), gold)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
