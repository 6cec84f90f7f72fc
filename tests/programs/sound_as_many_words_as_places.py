# expects: nothing
"""A causal model with as many words in its vocabulary as positions in its sequences: both axes of the scores are 24 long."""

import torch
from torch import nn

torch.manual_seed(0)
SIZE = 24


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(SIZE, 32), nn.Embedding(SIZE, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, SIZE)

    def forward(self, ids):
        hidden = torch.triu(torch.ones(SIZE, SIZE, dtype=torch.bool), 1)
        return self.head(self.encoder(self.tokens(ids) + self.places.weight, mask=hidden))


text = (torch.randint(0, SIZE, (640, 1)) + torch.tensor([5, 7])[torch.randint(2, (640, SIZE + 1))].cumsum(1)) % SIZE
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(640).split(32):
        loss = nn.functional.cross_entropy(model(text[rows, :-1]).flatten(0, 1), text[rows, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
