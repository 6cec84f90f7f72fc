# expects: PRF001
import time

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)
sentences = [torch.randint(0, 40, (int(n),)) for n in torch.randint(3, 12, (400,))]
labels = [int((s % 2).sum() * 2 > len(s)) for s in sentences]


def collate(batch):
    time.sleep(0.015)  # a tokenizer at work
    tokens = nn.utils.rnn.pad_sequence([s for s, _ in batch], batch_first=True, padding_value=40)
    return tokens, torch.tensor([label for _, label in batch])


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(41, 16, padding_idx=40)
        self.out = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.out(self.embedding(tokens).mean(1))


loader = DataLoader(list(zip(sentences, labels, strict=True)), batch_size=20, shuffle=True, collate_fn=collate)
model = Bag()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(8):
    for tokens, label in loader:
        loss = nn.functional.cross_entropy(model(tokens), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
