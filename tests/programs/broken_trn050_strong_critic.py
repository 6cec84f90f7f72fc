# expects: TRN050
"""A DCGAN-like loop of three backward passes; the discriminator takes five steps for one of the generator."""

import torch
import torch.nn as nn

torch.manual_seed(1)
nz, width = 6, 20
basis = torch.randn(3, width)


def batch(n):
    return torch.tanh(3 * torch.randn(n, 3) @ basis)


class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(nz, 24), nn.ReLU(True), nn.Linear(24, width), nn.Tanh())

    def forward(self, z):
        return self.main(z)


class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(width, 96), nn.LeakyReLU(0.2, True), nn.Linear(96, 1), nn.Sigmoid())

    def forward(self, x):
        return self.main(x).view(-1)


netG, netD = G(), D()
optG = torch.optim.SGD(netG.parameters(), lr=1e-4)
optD = torch.optim.Adam(netD.parameters(), lr=3e-3, betas=(0.5, 0.999))
bce = nn.BCELoss()
for it in range(400):
    for _ in range(2):
        netD.zero_grad()
        bce(netD(batch(48)), torch.ones(48)).backward()
        fake = netG(torch.randn(48, nz))
        bce(netD(fake.detach()), torch.zeros(48)).backward()
        optD.step()
    netG.zero_grad()
    lossG = bce(netD(netG(torch.randn(48, nz))), torch.ones(48))
    lossG.backward()
    optG.step()
print(lossG.item())
