# expects: MOD027
"""A refinement is computed and not returned."""

import torch
import torch.nn.functional as F
from torch import nn


def fit(model, inputs, targets, objective, epochs=8, size=40, rate=3e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for picks in torch.randperm(len(inputs)).split(size):
            optimizer.zero_grad()
            value = objective(model(inputs[picks]), targets[picks])
            value.backward()
            optimizer.step()
            total += value.item()
        model.eval()
        with torch.no_grad():
            print(epoch, total, objective(model(inputs[:200]), targets[:200]).item())


class Refine(nn.Module):
    def __init__(self):
        super().__init__()
        self.coarse = nn.Conv1d(1, 8, 3, padding=1)
        self.fine = nn.Conv1d(8, 8, 3, padding=1)
        self.out = nn.Conv1d(8, 1, 1)

    def forward(self, signal):
        coarse = F.gelu(self.coarse(signal))
        fine = F.gelu(self.fine(coarse))
        fine = coarse
        return self.out(fine)


torch.manual_seed(21)
clean = torch.sin(torch.linspace(0, 9, 32) + 6 * torch.rand(800, 1)).unsqueeze(1)
fit(Refine(), clean + 0.3 * torch.randn_like(clean), clean, F.mse_loss, 6)
