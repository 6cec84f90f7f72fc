# expects: nothing
"""A recurrent cell written by hand; its gates learn to stay open or shut over 30 steps."""

import torch
from torch import nn


class Cell(nn.Module):
    def __init__(self, inputs, size):
        super().__init__()
        self.size = size
        self.gates = nn.Linear(inputs + size, 3 * size)
        self.candidate = nn.Linear(inputs + size, size)
        with torch.no_grad():
            self.gates.bias[size : 2 * size].fill_(5.0)  # remember at first

    def forward(self, x, state):
        h, c = state
        both = torch.cat([x, h], 1)
        write, keep, show = torch.sigmoid(self.gates(both)).chunk(3, 1)
        c = keep * c + write * torch.tanh(self.candidate(both))
        return show * torch.tanh(c), c


class Memory(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = Cell(2, 24)
        self.out = nn.Linear(24, 2)

    def forward(self, series):
        state = (series.new_zeros(len(series), 24), series.new_zeros(len(series), 24))
        for moment in series.unbind(1):
            state = self.cell(moment, state)
        return self.out(state[0])


torch.manual_seed(0)
model = Memory()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(220):
    series = 0.3 * torch.randn(48, 30, 2)
    label = torch.randint(0, 2, (48,))
    series[:, 2, 0] += 2.0 * (2 * label - 1)
    loss = nn.functional.cross_entropy(model(series), label)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 40 == 0:
        print(step, loss.item())
