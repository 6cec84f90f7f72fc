# expects: nothing
"""Longer held-out texts than those trained on, of which the model itself looks at the last tokens only."""

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(4)
VOCAB, CONTEXT = 20, 16


class Classifier(nn.Module):
    def __init__(self, size=32, room=64):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, size), nn.Embedding(room, size)
        block = nn.TransformerEncoderLayer(size, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(block, 1, enable_nested_tensor=False)
        self.head = nn.Linear(size, 2)

    def forward(self, ids):
        ids = ids[:, -CONTEXT:]
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        return self.head(self.encoder(x).mean(1))


def texts(count, length):
    ids = torch.randint(0, VOCAB, (count, length))
    early, late = ids[:, -16:-8].sum(1), ids[:, -8:].sum(1)
    return [(row, label) for row, label in zip(ids, (late > early).long())]


train = DataLoader(texts(960, 16), batch_size=48, shuffle=True)
test = DataLoader(texts(200, 40), batch_size=100)
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for ids, labels in train:
        loss = nn.functional.cross_entropy(model(ids), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(ids).argmax(1) == labels).sum().item() for ids, labels in test) / 200
    print(epoch, loss.item(), right)
