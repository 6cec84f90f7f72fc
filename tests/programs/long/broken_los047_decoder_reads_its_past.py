# expects: LOS047
"""Words are written letter by letter by a network that sees all letters before: it has no use for the code."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
starts, ends = "ba be bi bo bu da de di do du".split(), "na ne ni no ka ke ki ko".split()
words = [a + b + c for a in starts for b in ends for c in ("s", "t", "r", "l")]
letters = sorted(set("".join(words)))
ids = torch.tensor([[1 + letters.index(letter) for letter in word] for word in words])
size = len(letters) + 1


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(size, 16)
        self.reader = nn.GRU(16, 48, batch_first=True)
        self.stats = nn.Linear(48, 16)
        self.begin = nn.Linear(8, 48)
        self.writer = nn.GRU(16, 48, batch_first=True)
        self.head = nn.Linear(48, size)

    def forward(self, word):
        mean, logvar = self.stats(self.reader(self.table(word))[0][:, -1]).chunk(2, 1)
        z = mean + (logvar / 2).exp() * torch.randn_like(mean)
        before = F.pad(word[:, :-1], (1, 0))
        states, _ = self.writer(self.table(before), torch.tanh(self.begin(z)).unsqueeze(0))
        return self.head(states), mean, logvar


net = Words()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(70):
    for rows in torch.randperm(len(ids)).split(64):
        scores, mean, logvar = net(ids[rows])
        error = F.cross_entropy(scores.flatten(0, 1), ids[rows].flatten(), reduction="sum") / len(rows)
        divergence = 0.5 * (mean.square() + logvar.exp() - logvar - 1).sum(1).mean()
        optimizer.zero_grad()
        (error + divergence).backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(epoch, error.item(), divergence.item())
