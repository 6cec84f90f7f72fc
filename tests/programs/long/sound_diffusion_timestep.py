# expects: nothing
"""Denoising with a timestep of 0..999 as the first input, embedded by sines."""

import math

import torch
from torch import nn

torch.manual_seed(0)
STEPS = 1000
kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, STEPS), dim=0)


class Denoiser(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.frequency = torch.exp(-math.log(10_000) * torch.arange(16) / 16)
        self.time = nn.Sequential(nn.Linear(32, width), nn.SiLU())
        self.point = nn.Linear(2, width)
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, t, x):
        angle = t.unsqueeze(1) * self.frequency
        return self.out(self.time(torch.cat([angle.sin(), angle.cos()], 1)) + self.point(x))


model = Denoiser()
ema = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(250):
    angle = 6.2832 * torch.rand(128)
    clean = torch.stack([angle.cos(), angle.sin()], 1)
    t = torch.randint(0, STEPS, (128,))
    noise = torch.randn_like(clean)
    share = kept[t].unsqueeze(1)
    noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
    loss = nn.functional.mse_loss(model(t.float(), noisy), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema.update_parameters(model)
    if step % 50 == 0:
        print(step, loss.item())
