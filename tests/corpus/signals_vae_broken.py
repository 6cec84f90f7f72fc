# bug: reconstruction term averaged over all points while the KL is summed over latents, so KL dominates and the posterior collapses (elbo_terms)
# expects: LOS041
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def make_signals(n, seed, points=32):
    g = torch.Generator().manual_seed(seed)
    t = torch.linspace(0, 2 * math.pi, points)
    freq = 1 + 2 * torch.rand(n, 1, generator=g)
    phase = 2 * math.pi * torch.rand(n, 1, generator=g)
    amp = 0.8 + 0.8 * torch.rand(n, 1, generator=g)
    return amp * torch.sin(freq * t + phase) + 0.05 * torch.randn(n, points, generator=g)


class SignalVAE(nn.Module):
    def __init__(self, points=32, hidden=96, latent=4):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(points, hidden), nn.ELU(), nn.Linear(hidden, hidden), nn.ELU())
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.dec = nn.Sequential(
            nn.Linear(latent, hidden), nn.ELU(), nn.Linear(hidden, hidden), nn.ELU(), nn.Linear(hidden, points))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.dec(z), mu, logvar


OBS_VAR = 0.05


def elbo_terms(x, recon, mu, logvar):
    rec = F.mse_loss(recon, x) / (2 * OBS_VAR)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1).mean()
    return rec, kl


def main():
    torch.manual_seed(17)
    train = DataLoader(TensorDataset(make_signals(2000, 1)), batch_size=50, shuffle=True)
    held_out = make_signals(400, 2)
    vae = SignalVAE()
    opt = torch.optim.Adam(vae.parameters(), lr=1e-3)
    for epoch in range(18):
        vae.train()
        rec_sum = kl_sum = 0.0
        for (x,) in train:
            recon, mu, logvar = vae(x)
            rec, kl = elbo_terms(x, recon, mu, logvar)
            loss = rec + kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            rec_sum += rec.item()
            kl_sum += kl.item()
        vae.eval()
        with torch.no_grad():
            mse = F.mse_loss(vae(held_out)[0], held_out).item()
        print(f"epoch {epoch:2d} rec {rec_sum / len(train):.3f} kl {kl_sum / len(train):.3f} held-out mse {mse:.4f}")
    print(f"held-out variance {held_out.var().item():.4f}")


if __name__ == "__main__":
    main()
