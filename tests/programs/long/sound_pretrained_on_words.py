# expects: nothing
"""An encoder learns to fill in words, and then to sort texts into few classes: two losses of one kind, with other classes."""

import torch
from torch import nn

torch.manual_seed(0)
VOCABULARY, LENGTH, TOPICS = 40, 10, 3
topic = torch.randint(0, TOPICS, (1500,))
texts = 4 + topic[:, None] * 12 + torch.randint(0, 12, (1500, LENGTH))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, 24)
        self.read = nn.GRU(24, 24, batch_first=True, bidirectional=True)

    def forward(self, ids):
        return self.read(self.embed(ids))[0]


encoder, words, sort = Encoder(), nn.Linear(48, VOCABULARY), nn.Linear(48, TOPICS)
optimizer = torch.optim.Adam([*encoder.parameters(), *words.parameters()], lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(1500).split(50):
        ids = texts[rows]
        hidden = torch.rand(ids.shape) < 0.15
        scores = words(encoder(ids.masked_fill(hidden, 1)))[hidden]
        loss = nn.functional.cross_entropy(scores, ids[hidden])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
optimizer = torch.optim.Adam([*encoder.parameters(), *sort.parameters()], lr=1e-3)
for epoch in range(6):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(sort(encoder(texts[rows]).mean(1)), topic[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = sort(encoder(texts[1000:]).mean(1))
        print(epoch, nn.functional.cross_entropy(scores, topic[1000:]).item())
