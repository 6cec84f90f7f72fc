# expects: MOD042
"""The last state of a GRU, after it has read the padding as well."""

import torch
import torch.nn.functional as F
from torch import nn


def fit(model, inputs, targets, objective, epochs=8, size=40, rate=3e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for picks in torch.randperm(len(inputs)).split(size):
            optimizer.zero_grad()
            value = objective(model(inputs[picks]), targets[picks])
            value.backward()
            optimizer.step()
            total += value.item()
        model.eval()
        with torch.no_grad():
            print(epoch, total, objective(model(inputs[:200]), targets[:200]).item())


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(25, 16)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.out = nn.Linear(24, 2)

    def forward(self, ids):
        states, last = self.gru(self.words(ids))
        return self.out(last[-1])


torch.manual_seed(18)
ids = torch.zeros(800, 14, dtype=torch.long)
for row in ids:
    length = int(torch.randint(2, 13, (1,)))
    row[:length] = torch.randint(1, 25, (length,))
fit(Reader(), ids, (ids < 5).logical_and(ids > 0).any(1).long(), F.cross_entropy, 6)
