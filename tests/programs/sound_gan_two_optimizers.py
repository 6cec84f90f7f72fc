# expects: nothing
"""A GAN on a ring of points: two optimizers that take turns, losses that do not fall."""

import math

import torch
from torch import nn

torch.manual_seed(0)
device = torch.device("cpu")
netG = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2)).to(device)
netD = nn.Sequential(nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
criterion = nn.BCEWithLogitsLoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))

for i in range(250):
    angle = torch.rand(64) * 2 * math.pi
    real = torch.stack([angle.cos(), angle.sin()], 1) + 0.02 * torch.randn(64, 2)

    netD.zero_grad()
    errD_real = criterion(netD(real), torch.ones(64, 1))
    errD_real.backward()
    fake = netG(torch.randn(64, 8, device=device))
    errD_fake = criterion(netD(fake.detach()), torch.zeros(64, 1))
    errD_fake.backward()
    optimizerD.step()

    netG.zero_grad()
    errG = criterion(netD(fake), torch.ones(64, 1))
    errG.backward()
    optimizerG.step()
    if i % 50 == 0:
        print(f"[{i}/250] Loss_D: {(errD_real + errD_fake).item():.4f} Loss_G: {errG.item():.4f}")
