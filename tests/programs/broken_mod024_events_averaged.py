# expects: MOD024
"""Events of a journey, filled up with zeros to the longest of the batch; attention and an average over all of them."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(0)
journeys, wanted = [], []
for _ in range(1500):
    events = torch.randn(int(torch.randint(4, 30, (1,))), 6) + torch.randn(6) * 0.3
    journeys.append(events)
    wanted.append(float(events[:, 0].mean() + events[:, 1].relu().mean()))
wanted = torch.tensor(wanted)


class Journey(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.inputs = nn.Linear(6, width)
        self.block = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, 1)

    def forward(self, events):
        return self.head(self.block(self.inputs(events)).mean(1)).squeeze(1)


model = Journey()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for rows in torch.randperm(1500).split(30):
        events = pad_sequence([journeys[row] for row in rows], batch_first=True)
        loss = nn.functional.mse_loss(model(events), wanted[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
