# bug: the discriminator's learning rate is a hundred times the generator's; it wins at once and the generator gets nothing
# expects: TRN050
import argparse
import sys

import numpy as np
import torch
import torch.nn as nn


class PulseGenerator(nn.Module):
    """Latent vector -> a waveform of ten samples."""

    def __init__(self, latent):
        super().__init__()
        self.latent = latent
        self.layers = nn.ModuleList([nn.Linear(latent, 64), nn.Linear(64, 64), nn.Linear(64, 10)])

    def forward(self, n):
        h = torch.randn(n, self.latent)
        for layer in self.layers[:-1]:
            h = torch.relu(layer(h))
        return self.layers[-1](h)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(10, 64), nn.LeakyReLU(0.2), nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, w):
        return self.f(w).squeeze(-1)


def real_pulses(n, rng):
    t = np.linspace(-1, 1, 10)
    centre = rng.uniform(-0.3, 0.3, (n, 1))
    width = rng.uniform(0.4, 0.5, (n, 1))
    w = 2 * np.exp(-((t - centre) / width) ** 2) - 0.5 + rng.normal(0, 0.1, (n, 10))
    return torch.tensor(w, dtype=torch.float32)


def distance(gen, real):
    gen.eval()
    with torch.no_grad():
        fake = gen(len(real))
        nearest = torch.cdist(fake, real).min(dim=1).values.mean()
        mean_gap = (fake.mean(0) - real.mean(0)).norm()
    gen.train()
    return nearest.item(), mean_gap.item()


def main(argv=None):
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr-g", type=float, default=1e-5)
    ap.add_argument("--lr-d", type=float, default=1e-3)
    ap.add_argument("--iters", type=int, default=1400)
    ap.add_argument("--bs", type=int, default=64)
    a = ap.parse_args(argv)

    torch.manual_seed(9)
    rng = np.random.default_rng(9)
    bank, held_out = real_pulses(4000, rng), real_pulses(500, rng)
    gen, critic = PulseGenerator(6), Critic()
    og = torch.optim.Adam(gen.parameters(), lr=a.lr_g, betas=(0.5, 0.999))
    od = torch.optim.Adam(critic.parameters(), lr=a.lr_d, betas=(0.5, 0.999))
    loss = nn.BCEWithLogitsLoss()
    cool = [torch.optim.lr_scheduler.LambdaLR(o, lambda k: max(0.02, 1 - k / a.iters)) for o in (og, od)]
    for i in range(a.iters):
        x = bank[torch.randint(len(bank), (a.bs,))]
        od.zero_grad()
        ld = loss(critic(x), torch.ones(a.bs)) + loss(critic(gen(a.bs).detach()), torch.zeros(a.bs))
        ld.backward()
        od.step()
        og.zero_grad()
        lg = loss(critic(gen(a.bs)), torch.ones(a.bs))
        lg.backward()
        og.step()
        for c in cool:
            c.step()
        if i % 250 == 109:
            sys.stdout.write(f"{i + 1}: D {ld.item():.4f} G {lg.item():.4f}\n")
    near, gap = distance(gen, held_out)
    print(f"nearest real pulse {near:.3f}, gap of the means {gap:.3f}")


main()
