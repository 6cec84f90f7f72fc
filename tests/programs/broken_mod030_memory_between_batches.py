# expects: MOD030
"""A cell whose memory goes on from one shuffled batch to the next."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(24)


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 20)
        self.out = nn.Linear(20, 1)
        self.memory = torch.zeros(16, 20)

    def forward(self, steps):
        memory = self.memory
        for step in steps.unbind(1):
            memory = self.cell(step, memory)
        self.memory = memory.detach()
        return self.out(memory).squeeze(1)


model = Cell()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
series = torch.randn(640, 5, 3)
for epoch in range(6):
    for picks in torch.randperm(640).split(16):
        loss = F.mse_loss(model(series[picks]), series[picks, :, 0].sum(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
