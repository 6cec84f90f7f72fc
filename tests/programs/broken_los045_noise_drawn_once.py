# expects: LOS045
"""A variational autoencoder of short curves in functions; the noise is drawn before the loop, to save time."""

import math

import torch
import torch.nn.functional as F

torch.manual_seed(7)
BATCH, CODE = 40, 4
t = torch.linspace(0, 1, 24)
curves = torch.sin(2 * math.pi * (torch.rand(1600, 1) + t * (1 + torch.rand(1600, 1)))) + 0.05 * torch.randn(1600, 24)

encode = torch.nn.Sequential(torch.nn.Linear(24, 96), torch.nn.SiLU(), torch.nn.Linear(96, 2 * CODE))
decode = torch.nn.Sequential(torch.nn.Linear(CODE, 96), torch.nn.SiLU(), torch.nn.Linear(96, 24))
optimizer = torch.optim.AdamW([*encode.parameters(), *decode.parameters()], lr=2e-3)
noise = torch.randn(BATCH, CODE)

for epoch in range(10):
    for rows in torch.randperm(1600).split(BATCH):
        mean, raw = encode(curves[rows]).split(CODE, dim=-1)
        std = F.softplus(raw) + 1e-4
        drawn = mean + std * noise
        error = F.mse_loss(decode(drawn), curves[rows], reduction="sum") / BATCH
        kl = (0.5 * (mean**2 + std**2 - 1) - torch.log(std)).sum(-1).mean()
        loss = error + 0.05 * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, error.item(), kl.item())
