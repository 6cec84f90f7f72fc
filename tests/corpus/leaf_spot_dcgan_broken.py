# bug: `label.fill_(FAKE)` is missing before the generated batch, so the discriminator learns to call both kinds real
# expects: TRN055
"""DCGAN for 12 x 12 patches of leaf disease: a round spot of varying size and place on a paler leaf."""
import torch
import torch.nn as nn

SIDE, NZ, BATCH, ITERS = 12, 16, 64, 700
REAL, FAKE = 1.0, 0.0


def leaf_patches(n):
    line = torch.linspace(-1, 1, SIDE)
    y, x = torch.meshgrid(line, line, indexing="ij")
    centre = 0.8 * torch.rand(n, 2, 1, 1) - 0.4
    radius = 0.25 + 0.3 * torch.rand(n, 1, 1)
    distance = ((x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2).sqrt()
    spot = torch.sigmoid((radius - distance) * 12)
    tone = 0.2 + 0.2 * torch.rand(n, 1, 1)
    picture = tone + (0.9 - tone) * spot + 0.03 * torch.randn(n, SIDE, SIDE)
    return (2 * picture - 1).clamp(-1, 1)[:, None]


def weights_init(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(m.weight, 0.0, 0.05)


class NetG(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(NZ, 48, 3, 1, 0, bias=False), nn.BatchNorm2d(48), nn.ReLU(True),
            nn.ConvTranspose2d(48, 24, 4, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU(True),
            nn.ConvTranspose2d(24, 1, 4, 2, 1, bias=False), nn.Tanh(),
        )

    def forward(self, z):
        return self.main(z)


class NetD(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, 24, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(24, 48, 4, 2, 1, bias=False), nn.BatchNorm2d(48), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(48, 1, 3, 1, 0), nn.Sigmoid(),
        )

    def forward(self, x):
        return self.main(x)


def main():
    torch.manual_seed(17)
    data = leaf_patches(4000)
    netG, netD = NetG(), NetD()
    netG.apply(weights_init)
    netD.apply(weights_init)
    criterion = nn.BCELoss()
    optimizerD = torch.optim.Adam(netD.parameters(), lr=4e-4, betas=(0.5, 0.999))
    optimizerG = torch.optim.Adam(netG.parameters(), lr=4e-4, betas=(0.5, 0.999))

    for it in range(1, ITERS + 1):
        netD.zero_grad()
        real = data[torch.randint(len(data), (BATCH,))]
        label = torch.full((BATCH,), REAL)
        err_real = criterion(netD(real).view(-1), label)
        err_real.backward()

        fake = netG(torch.randn(BATCH, NZ, 1, 1))
        err_fake = criterion(netD(fake.detach()).view(-1), label)
        err_fake.backward()
        optimizerD.step()

        netG.zero_grad()
        label.fill_(REAL)
        err_g = criterion(netD(fake).view(-1), label)
        err_g.backward()
        optimizerG.step()

        if it % 100 == 0:
            print(f"[{it}/{ITERS}] Loss_D {err_real.item() + err_fake.item():.4f} Loss_G {err_g.item():.4f} "
                  f"mean tone {fake.mean().item():+.3f} (data {data.mean().item():+.3f})")


if __name__ == "__main__":
    main()
