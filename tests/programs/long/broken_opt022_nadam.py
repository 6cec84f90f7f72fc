# expects: OPT022
"""NAdam with its two decay rates in the wrong order, on a small language of brackets."""

import torch
from torch import nn

torch.manual_seed(0)
seq = torch.randint(0, 4, (500, 10))
target = seq.cumsum(1).remainder(4)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(4, 16)
        self.rnn = nn.GRU(16, 32, batch_first=True)
        self.out = nn.Linear(32, 4)

    def forward(self, tokens):
        return self.out(self.rnn(self.embed(tokens))[0])


beta2, beta1 = 0.9, 0.99
tagger = Tagger()
optimizer = torch.optim.NAdam(tagger.parameters(), lr=2e-3, betas=(beta1, beta2))
for epoch in range(10):
    for rows in torch.randperm(500).split(25):
        scores = tagger(seq[rows])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), target[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
