# expects: nothing
"""Twins share an encoder with batch norm; a recurrent cell uses one batch norm at each step of a stationary sequence."""

import torch
from torch import nn

torch.manual_seed(0)
N = 2000
left = torch.randn(N, 4, 6) + 3
right = torch.where(torch.rand(N, 1, 1) < 0.5, left + 0.3 * torch.randn(N, 4, 6), torch.randn(N, 4, 6) + 3)
same = ((left - right).abs().mean((1, 2)) < 0.7).float()


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.read, self.keep = nn.BatchNorm1d(6), nn.Linear(6, 24), nn.Linear(24, 24)

    def forward(self, sequence):
        state = sequence.new_zeros(len(sequence), 24)
        for step in sequence.unbind(1):
            state = torch.tanh(self.read(self.norm(step)) + self.keep(state))
        return state


class Twins(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Flatten(), nn.Linear(24, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
        self.recall = Cell()
        self.out = nn.Sequential(nn.Linear(40, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, left, right):
        one, two = self.encode(left), self.encode(right)
        early, late = self.recall(left), self.recall(right)
        return self.out(torch.cat([(one - two).abs(), (early - late).abs()], dim=1)).squeeze(1)


model = Twins()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(25):
    model.train()
    for rows in torch.randperm(1600).split(40):
        loss = nn.functional.binary_cross_entropy_with_logits(model(left[rows], right[rows]), same[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right_ones = (model(left[1600:], right[1600:]) > 0) == (same[1600:] > 0.5)
    print(epoch, loss.item(), right_ones.float().mean().item())
