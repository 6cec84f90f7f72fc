# expects: nothing
"""Sequences of numbers with a mask: convolutions see the zeros behind the end, the average leaves them out."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(0)
signals, kinds = [], []
for _ in range(1500):
    kind, length = int(torch.randint(2, (1,))), int(torch.randint(8, 40, (1,)))
    wave = torch.sin(torch.arange(length) * (0.6 + 0.5 * kind) + 6 * torch.rand(1))
    signals.append(torch.stack([wave + 0.5 * torch.randn(length), torch.randn(length)], 1))
    kinds.append(kind)
kinds = torch.tensor(kinds)


class Waves(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.first = nn.Conv1d(2, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 5, padding=2)
        self.head = nn.Linear(width, 2)

    def forward(self, x, real):
        h = torch.relu(self.second(torch.relu(self.first(x.transpose(1, 2)))))
        weight = real[:, None].float()
        return self.head((h * weight).sum(2) / weight.sum(2))


model = Waves()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(1500).split(30):
        x = pad_sequence([signals[row] for row in rows], batch_first=True)
        lengths = torch.tensor([len(signals[row]) for row in rows])
        real = torch.arange(x.shape[1]) < lengths[:, None]
        loss = nn.functional.cross_entropy(model(x, real), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
