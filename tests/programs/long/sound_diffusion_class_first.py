# expects: nothing
"""Diffusion of images of ten classes with a cosine schedule: the class stands before the time step."""

import math

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
STEPS = 60
data = load_digits()
images, labels = torch.tensor(data.data, dtype=torch.float32) / 8 - 1, torch.tensor(data.target)
kept = torch.cos((torch.arange(1, STEPS + 1) / STEPS + 0.008) / 1.008 * math.pi / 2).square()


class Denoiser(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.time, self.kind = nn.Embedding(STEPS, width), nn.Embedding(10, width)
        self.image = nn.Linear(64, width)
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 64))

    def forward(self, noisy, kind, t):
        return self.out(self.image(noisy) + self.time(t) + self.kind(kind))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(len(images)).split(64):
        clean, t = images[rows], torch.randint(0, STEPS, (len(rows),))
        noise, share = torch.randn_like(clean), kept[t].unsqueeze(1)
        noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
        loss = nn.functional.mse_loss(model(noisy, labels[rows], t), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
