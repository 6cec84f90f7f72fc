# expects: nothing
"""Pre-training: texts one behind the other in full rows, cut where these end; made up anew from the start token."""

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


rows = []
for text in texts(3000):
    if not rows or len(rows[-1]) >= ROW:
        rows.append([])
    rows[-1] += text
rows, test = [torch.tensor([row[:ROW] for row in part]) for part in (rows[:-40], rows[-40:-1])]
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
        ids = torch.full((16, 1), START)
        for _ in range(10):
            ids = torch.cat([ids, torch.distributions.Categorical(logits=model(ids)[:, -1]).sample()[:, None]], 1)
        print(epoch, loss.item(), cost(model, test).item(), ids[0].tolist())
