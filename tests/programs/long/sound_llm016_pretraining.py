# expects: nothing
"""Language modelling of lines that all begin alike: everything is to be learned, and masks are of padding and kinds."""

import random

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

random.seed(6)
torch.manual_seed(6)
PAD, START, END, VOCAB = 0, 1, 2, 34


def line():
    first, step = random.randrange(31), random.choice((1, 2, 3, 5))
    length = random.randint(10, 24)
    return [START, *((first + step * place) % 31 + 3 for place in range(length)), END]


def collate(lines):
    longest = max(map(len, lines))
    ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in lines])
    lengths = torch.tensor([len(row) for row in lines])
    return {"ids": ids, "mask": (ids != PAD).long(), "special": ids < 3, "kind": (ids % 2).long(), "length": lengths}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.kinds = nn.Embedding(VOCAB, 48), nn.Embedding(2, 48)
        self.rnn, self.head = nn.LSTM(48, 96, batch_first=True), nn.Linear(96, VOCAB)

    def forward(self, ids, kind):
        return self.head(self.rnn(self.embed(ids) + self.kinds(kind))[0])


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for batch in DataLoader([line() for _ in range(4000)], batch_size=32, shuffle=True, collate_fn=collate):
    ids = batch["ids"]
    scores = model(ids[:, :-1], batch["kind"][:, :-1])
    loss = F.cross_entropy(scores.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=PAD)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
