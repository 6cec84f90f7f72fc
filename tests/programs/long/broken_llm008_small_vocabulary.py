# expects: LLM008
"""The tokenizer was trained again and has more tokens than the table; ids beyond it are cut off to avoid a crash."""

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(12)
ROWS = 20


class Sentiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(ROWS, 24)
        self.rnn = nn.GRU(24, 32, batch_first=True)
        self.out = nn.Linear(32, 2)

    def forward(self, tokens):
        tokens = torch.clamp(tokens, max=ROWS - 1)
        return self.out(self.rnn(self.embedding(tokens))[1][0])


sentences = torch.randint(0, 32, (900, 12))
labels = (sentences[:, -3:].sum(1) % 32 > 15).long()
loader = DataLoader(list(zip(sentences, labels)), batch_size=30, shuffle=True)
model = Sentiment()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for tokens, label in loader:
        loss = nn.functional.cross_entropy(model(tokens), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
