# expects: nothing
"""BERT style: every position sees every other, and the loss is on masked positions alone."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, MASK, LENGTH = 24, 23, 16


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(VOCAB, 32), nn.Embedding(LENGTH, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 1), nn.Linear(32, VOCAB)

    def forward(self, ids):
        return self.head(self.encoder(self.token(ids) + self.place.weight))


bert = Bert()
optimizer = torch.optim.AdamW(bert.parameters(), lr=2e-3)
for step in range(250):
    ids = (torch.randint(0, 22, (24, 1)) + torch.arange(LENGTH)) % 22
    hidden = torch.rand(ids.shape) < 0.2
    labels = ids.masked_fill(~hidden, -100)
    loss = F.cross_entropy(bert(ids.masked_fill(hidden, MASK)).transpose(1, 2), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
