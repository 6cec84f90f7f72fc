# expects: LLM015
"""Whole texts fill rows, as many as fit; nothing but the token at each start tells them apart. Judged text by text."""

import torch
from torch import nn

torch.manual_seed(0)
WORDS, ROW = 24, 48
START, NONE = WORDS, WORDS + 1


def texts(count):
    found = []
    for _ in range(count):
        length, step = int(torch.randint(5, 12, ())), int(torch.randint(1, 5, ()))
        words = (int(torch.randint(WORDS, ())) + step * torch.arange(length)) % WORDS
        found.append([START, *words.tolist()])
    return found


def packed(found):
    rows, row = [], []
    for text in found:
        if len(row) + len(text) > ROW:
            rows.append(row)
            row = []
        row = row + text
    return padded(rows, ROW)


def padded(found, width):
    return torch.tensor([row + [NONE] * (width - len(row)) for row in found])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(WORDS + 2, 32), nn.Embedding(ROW, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, WORDS + 2)

    def forward(self, ids):
        length = ids.shape[1]
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        return self.head(self.encoder(self.tokens(ids) + self.places.weight[:length], mask=hidden))


def cost(model, ids):
    scores = model(ids[:, :-1])
    return nn.functional.cross_entropy(scores.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=NONE)


rows, test = packed(texts(3000)), padded(texts(200), 13)
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for some in torch.randperm(len(rows)).split(32):
        loss = cost(model, rows[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), cost(model, test).item())
