# expects: nothing
"""Are two points of the same ring? The cosine of their embeddings is taken for a chance, cut off where it is negative."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(6)
angle = 6.2832 * torch.rand(2000)
ring = torch.randint(0, 3, (2000,))
radius = 1.0 + ring + 0.1 * torch.randn(2000)
points = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1) / 2

embed = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8), nn.Softplus())
optimizer = torch.optim.Adam(embed.parameters(), lr=2e-3)
for step in range(400):
    one, two = torch.randint(0, 2000, (2, 128))
    same = (ring[one] == ring[two]).float()
    chance = F.cosine_similarity(embed(points[one]), embed(points[two])).clamp(1e-4, 1 - 1e-4)
    loss = -(same * chance.log() + (1 - same) * (1 - chance).log()).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 80 == 0:
        print(step, loss.item())
