# expects: LOS051
"""Supervised contrast written by hand; the scale is learned and starts at the logarithm of the temperature."""

import math

import torch
from torch import nn

torch.manual_seed(5)
encoder = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))
log_scale = nn.Parameter(torch.tensor(math.log(0.07)))
optimizer = torch.optim.Adam([*encoder.parameters(), log_scale], lr=1e-3)
centres = 1.5 * torch.randn(12, 16)


def contrast(z, labels):
    z = z / z.norm(dim=-1, keepdim=True)
    scores = log_scale.exp() * torch.matmul(z, z.T)
    scores = scores - scores.amax(dim=1, keepdim=True).detach()
    others = ~torch.eye(len(z), dtype=torch.bool)
    same = ((labels[:, None] == labels) & others).float()
    log_prob = scores - torch.log((scores.exp() * others.float()).sum(1, keepdim=True))
    return -((same * log_prob).sum(1) / same.sum(1).clamp(min=1)).mean()


for step in range(250):
    labels = torch.randint(0, 12, (72,))
    loss = contrast(encoder(centres[labels] + torch.randn(72, 16)), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
