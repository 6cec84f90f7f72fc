# bug: the generator's loss is computed on detached samples, so the generator is never trained
# expects: LOS006 MOD011
"""GAN: points on a ring of Gaussians."""
import math

import torch
from torch import nn


class Generator(nn.Module):
    def __init__(self, z_dim=4, hidden=48):
        super().__init__()
        self.z_dim = z_dim
        self.net = nn.Sequential(
            nn.Linear(z_dim, hidden), nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
            nn.Linear(hidden, 2),
        )

    def sample(self, n):
        return self.net(torch.randn(n, self.z_dim))


class Discriminator(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, hidden), nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return self.net(x)


def real_points(n, modes=8, radius=2.0):
    angle = torch.randint(0, modes, (n,)) * (2 * math.pi / modes)
    return radius * torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(n, 2)


def main():
    torch.manual_seed(0)
    G, D = Generator(), Discriminator()
    opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    batch = 64
    ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)
    for step in range(1, 701):
        # discriminator
        real, fake = real_points(batch), G.sample(batch).detach()
        loss_d = bce(D(real), ones) + bce(D(fake), zeros)
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        # generator
        fake = G.sample(batch)
        loss_g = bce(D(fake.detach()), ones)
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()

        if step % 100 == 0:
            with torch.no_grad():
                r = G.sample(1000).norm(dim=1)
            print(f"step {step} D {loss_d.item():.3f} G {loss_g.item():.3f} radius of samples {r.mean().item():.3f} +- {r.std().item():.3f} (real 2.0)")


if __name__ == "__main__":
    main()
