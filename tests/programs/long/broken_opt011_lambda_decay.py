# expects: OPT011
# also: TRN001 OPT008
"""A decay written as a function of the epoch, called once per batch of a text-like model."""

import torch
from torch import nn

torch.manual_seed(0)
VOCAB = 40
stream = torch.randint(0, VOCAB, (6000,))
stream[1::2] = (stream[0::2] * 7 + 3) % VOCAB


class Bigram(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 32)
        self.mlp = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, VOCAB))

    def forward(self, tokens):
        return self.mlp(self.embed(tokens))


def batches(size, length):
    for _ in range(25):
        start = torch.randint(0, (len(stream) - length - 1) // 2, (size,)) * 2
        rows = start[:, None] + torch.arange(length)[None]
        yield stream[rows], stream[rows + 1]


model = Bigram()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda epoch: 0.5 ** (epoch // 2))
for epoch in range(10):
    for inputs, labels in batches(16, 12):
        loss = nn.functional.cross_entropy(model(inputs).transpose(1, 2), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item())
