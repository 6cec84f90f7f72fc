# bug: fake samples are not detached in the discriminator step and the generator's gradients are cleared only before it, so the discriminator loss's gradient is added to the generator's update
# expects: OPT003
import math

import torch
from torch import nn


def real_batch(n):
    """Eight Gaussian clusters on a circle."""
    k = torch.randint(0, 8, (n,))
    angle = k * (2 * math.pi / 8)
    return torch.stack([angle.cos(), angle.sin()], 1) * 2 + 0.1 * torch.randn(n, 2)


def mlp(n_in, n_out, width=64):
    return nn.Sequential(nn.Linear(n_in, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
                         nn.Linear(width, n_out))


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


class GAN:
    def __init__(self, z_dim=8):
        self.z_dim = z_dim
        self.gen, self.disc = mlp(z_dim, 2), mlp(2, 1)
        self.opt_g = torch.optim.Adam(self.gen.parameters(), lr=1e-3, betas=(0.5, 0.99))
        self.opt_d = torch.optim.Adam(self.disc.parameters(), lr=1e-3, betas=(0.5, 0.99))
        self.bce = nn.BCEWithLogitsLoss()

    def step(self, real):
        n = len(real)
        self.opt_g.zero_grad()
        self.opt_d.zero_grad()
        fake = self.gen(torch.randn(n, self.z_dim))

        d_real = self.disc(real)
        d_fake = self.disc(fake)
        d_loss = self.bce(d_real, torch.ones(n, 1)) + self.bce(d_fake, torch.zeros(n, 1))
        d_loss.backward(retain_graph=True)
        self.opt_d.step()

        g_loss = self.bce(self.disc(fake), torch.ones(n, 1))
        g_loss.backward()
        self.opt_g.step()
        return d_loss.item(), g_loss.item()

    def sample(self, n):
        self.gen.eval()
        with torch.no_grad():
            out = self.gen(torch.randn(n, self.z_dim))
        self.gen.train()
        return out


if __name__ == "__main__":
    torch.manual_seed(0)
    gan = GAN()
    reference = real_batch(1000)
    print(f"before training: energy distance {energy_distance(gan.sample(1000), reference):.4f}")
    for it in range(1, 1201):
        d_loss, g_loss = gan.step(real_batch(96))
        if it % 200 == 0:
            print(f"iter {it}: d {d_loss:.3f} g {g_loss:.3f} energy distance {energy_distance(gan.sample(1000), reference):.4f}")
