# expects: nothing
"""Sequences of states, padded to one length; their likelihood alone is wanted, so nothing stands for an end."""

import torch
from torch import nn

torch.manual_seed(2)
STATES, LONGEST, NOTHING = 12, 25, 12


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(STATES + 1, 24)
        self.rnn = nn.GRU(24, 48, batch_first=True)
        self.head = nn.Linear(48, STATES)

    def forward(self, states):
        return self.head(self.rnn(self.embed(states))[0])


steps = torch.randint(1, 3, (640, LONGEST)).cumsum(1)
states = (torch.randint(0, STATES, (640, 1)) + steps) % STATES
lengths = torch.randint(10, LONGEST, (640,))
states[torch.arange(LONGEST) >= lengths[:, None]] = NOTHING
model = Chain()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(640).split(32):
        scores = model(states[rows, :-1])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), states[rows, 1:].flatten(), ignore_index=NOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
