# expects: nothing
import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split


class Generator(nn.Module):
    def __init__(self, z_dim, out_dim):
        super().__init__()
        self.z_dim = z_dim
        self.net = nn.Sequential(
            nn.Linear(z_dim, 96), nn.LeakyReLU(0.2),
            nn.Linear(96, 96), nn.LeakyReLU(0.2),
            nn.Linear(96, out_dim),
        )

    def forward(self, n):
        return self.net(torch.randn(n, self.z_dim))


class Discriminator(nn.Module):
    def __init__(self, in_dim):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(in_dim, 96), nn.LeakyReLU(0.2),
            nn.Linear(96, 48), nn.LeakyReLU(0.2),
            nn.Linear(48, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(1)


def vitals(n, rng):
    """Heart rate, systolic, diastolic, resp. rate, temperature, SpO2 for three patient types."""
    kind = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    centre = np.array([[72, 122, 78, 14, 36.7, 98], [96, 104, 62, 22, 38.4, 94], [84, 158, 96, 17, 36.9, 96]])
    spread = np.array([[8, 10, 7, 2, 0.25, 0.8], [11, 12, 8, 3, 0.5, 1.6], [9, 13, 9, 2, 0.3, 1.2]])
    x = centre[kind] + spread[kind] * rng.standard_normal((n, 6))
    x[:, 2] += 0.35 * (x[:, 1] - centre[kind][:, 1])
    x[:, 3] += 0.10 * (x[:, 0] - centre[kind][:, 0])
    return x.astype(np.float32)


def sliced_wasserstein(a, b, n_proj=200, seed=0):
    g = torch.Generator().manual_seed(seed)
    dirs = torch.nn.functional.normalize(torch.randn(n_proj, a.shape[1], generator=g), dim=1)
    pa, pb = (a @ dirs.T).sort(0).values, (b @ dirs.T).sort(0).values
    return (pa - pb).abs().mean().item()


class VitalsGAN:
    def __init__(self, dim, z_dim=12, lr_g=1e-3, lr_d=1e-3, r1=0.1, total_steps=1):
        self.r1 = r1
        self.G = Generator(z_dim, dim)
        self.D = Discriminator(dim)
        self.opt_g = optim.Adam(self.G.parameters(), lr=lr_g, betas=(0.0, 0.99))
        self.opt_d = optim.Adam(self.D.parameters(), lr=lr_d, betas=(0.0, 0.99))
        self.schedules = [optim.lr_scheduler.CosineAnnealingLR(o, total_steps) for o in (self.opt_g, self.opt_d)]
        self.bce = nn.BCEWithLogitsLoss()

    def train_step(self, real):
        n = len(real)
        fake = self.G(n)

        self.opt_d.zero_grad()
        d_loss = self.bce(self.D(real), torch.ones(n)) + self.bce(self.D(fake.detach()), torch.zeros(n))
        (d_loss + 0.5 * self.r1 * self.slope(real)).backward()
        self.opt_d.step()

        self.opt_g.zero_grad()
        g_loss = self.bce(self.D(fake), torch.ones(n))
        g_loss.backward()
        self.opt_g.step()
        for schedule in self.schedules:
            schedule.step()
        return d_loss.item(), g_loss.item()

    def slope(self, real):
        """Mean squared input gradient of D on real rows (R1 penalty)."""
        x = real.clone().requires_grad_(True)
        grad, = torch.autograd.grad(self.D(x).sum(), x, create_graph=True)
        return grad.square().sum(1).mean()

    @torch.no_grad()
    def sample(self, n):
        return self.G(n)


def main():
    torch.manual_seed(31)
    rng = np.random.default_rng(31)
    raw = torch.from_numpy(vitals(8000, rng))
    train_set, held_set = random_split(TensorDataset(raw), [6000, 2000])
    train_x, held_x = raw[train_set.indices], raw[held_set.indices]
    mu, sd = train_x.mean(0), train_x.std(0)
    loader = DataLoader(TensorDataset((train_x - mu) / sd), batch_size=128, shuffle=True, drop_last=True)
    held_x = (held_x - mu) / sd

    epochs = 40
    gan = VitalsGAN(dim=raw.shape[1], total_steps=epochs * len(loader))
    for epoch in range(epochs):
        d_sum = g_sum = 0.0
        for (real,) in loader:
            d, g = gan.train_step(real)
            d_sum, g_sum = d_sum + d, g_sum + g
        if (epoch + 1) % 10 == 0:
            dist = sliced_wasserstein(gan.sample(len(held_x)), held_x)
            print(f"epoch {epoch + 1:3d}  D {d_sum / len(loader):.3f}  G {g_sum / len(loader):.3f}  sliced W {dist:.4f}")

    fake = gan.sample(len(held_x))
    print(f"final sliced Wasserstein distance to held-out patients: {sliced_wasserstein(fake, held_x):.4f}")
    print("synthetic means:", (fake.mean(0) * sd + mu).numpy().round(1))


if __name__ == "__main__":
    main()
