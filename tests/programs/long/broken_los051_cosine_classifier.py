# expects: LOS051
"""Prototypes of ten kinds of sound: normalised features and weights, multiplied with the temperature."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
KINDS, TEMPERATURE = 10, 0.1


class Cosine(nn.Module):
    def __init__(self, size, kinds):
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(kinds, size))

    def forward(self, features):
        unit = features / features.norm(dim=1, keepdim=True).clamp(min=1e-6)
        return F.linear(unit, F.normalize(self.prototypes, dim=1)) * TEMPERATURE


model = nn.Sequential(nn.Linear(24, 48), nn.SiLU(), nn.Linear(48, 16), Cosine(16, KINDS))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
centres = torch.randn(KINDS, 24)
kinds = torch.randint(0, KINDS, (1200,))
sounds = centres[kinds] + 0.8 * torch.randn(1200, 24)
for epoch in range(10):
    for rows in torch.randperm(1200).split(40):
        loss = F.cross_entropy(model(sounds[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
