# expects: TRN052
"""One label tensor is filled for real, then for fake, and never back again for the generator."""

import torch
import torch.nn as nn

torch.manual_seed(7)
netG = nn.Sequential(nn.Linear(4, 32), nn.ReLU(True), nn.Linear(32, 2))
netD = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Sigmoid())
criterion = nn.BCELoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))

for i in range(500):
    data = torch.randn(64, 2) * 0.3 + 2.0
    netD.zero_grad()
    label = torch.full((64,), 1.0)
    errD_real = criterion(netD(data).view(-1), label)
    errD_real.backward()
    fake = netG(torch.randn(64, 4))
    label.fill_(0.0)
    errD_fake = criterion(netD(fake.detach()).view(-1), label)
    errD_fake.backward()
    optimizerD.step()

    netG.zero_grad()
    errG = criterion(netD(fake).view(-1), label)
    errG.backward()
    optimizerG.step()
    if i % 100 == 0:
        print(i, (errD_real + errD_fake).item(), errG.item())
