# bug: the reconstruction is averaged over pixels and the batch while the KL is summed over both, so the posterior collapses
# expects: LOS041
"""Convolutional VAE on digits."""
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


class ConvVAE(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
        )
        self.mu = nn.Linear(96, latent)
        self.logvar = nn.Linear(96, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 96), nn.ReLU(), nn.Unflatten(1, (24, 2, 2)),
            nn.ConvTranspose2d(24, 12, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(12, 1, 4, stride=2, padding=1),
        )

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu) if self.training else mu
        return self.decoder(z), mu, logvar


def elbo_terms(out, x, mu, logvar):
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp())
    recon = nn.functional.mse_loss(out, x)
    return recon, kl.sum()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--latent", type=int, default=6)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--lr", type=float, default=3e-3)
    args = p.parse_args()
    torch.manual_seed(0)
    x = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
    train, test = x[:1500], x[1500:]
    net = ConvVAE(args.latent)
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        net.train()
        beta = 1.0
        r = k = 0.0
        for idx in torch.randperm(len(train)).split(60):
            out, mu, logvar = net(train[idx])
            recon, kl = elbo_terms(out, train[idx], mu, logvar)
            opt.zero_grad()
            (recon + beta * kl).backward()
            opt.step()
            r += recon.item() / 25
            k += kl.item() / 25
        net.eval()
        with torch.no_grad():
            out, mu, _ = net(test)
        print(f"epoch {epoch} recon {r:.4f} kl {k:.4f} test mse {((out - test) ** 2).mean().item():.4f} "
              f"spread of means {mu.std(0).mean().item():.4f}")


if __name__ == "__main__":
    main()
