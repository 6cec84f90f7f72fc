# bug: early stopping watches rec + beta * kl while beta is still warming up, so it rises and training stops far too soon
# expects: TRN015
import copy
import math

import numpy as np
import torch
import torch.nn as nn


class Spectra:
    def __init__(self, seed=52, channels=96):
        rng = np.random.RandomState(seed)
        self.centres = rng.uniform(5, channels - 5, size=9)
        self.widths = rng.uniform(1.5, 5, size=9)
        self.mix = rng.normal(size=(4, 9))
        self.grid = np.arange(channels)
        self.rng = rng

    def draw(self, n):
        z = self.rng.normal(size=(n, 4))
        heights = np.log1p(np.exp(z @ self.mix))
        shift = self.rng.normal(0, 0.6, size=(n, 1, 1))
        d = self.grid[None, None] - self.centres[None, :, None] - shift
        peaks = np.exp(-0.5 * (d / self.widths[None, :, None]) ** 2)
        s = np.einsum("nk,nkc->nc", heights, peaks) + self.rng.normal(0, 0.1, (n, len(self.grid)))
        return torch.tensor(s, dtype=torch.float32)


class VAE(nn.Module):
    def __init__(self, d, latent=8, h=192):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, h), nn.ELU(), nn.Linear(h, h), nn.ELU())
        self.mu, self.logvar = nn.Linear(h, latent), nn.Linear(h, latent)
        self.dec = nn.Sequential(nn.Linear(latent, h), nn.ELU(), nn.Linear(h, h), nn.ELU(), nn.Linear(h, d))

    def terms(self, x, noise_sd=0.2):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        rec = 0.5 * ((self.dec(z) - x) / noise_sd).pow(2).sum(1)
        rec = rec + x.shape[1] * math.log(noise_sd * math.sqrt(2 * math.pi))
        kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1)
        return rec.mean(), kl.mean()


class Stopper:
    def __init__(self, patience):
        self.patience, self.best, self.bad, self.state = patience, math.inf, 0, None

    def update(self, value, model):
        if value < self.best:
            self.best, self.bad = value, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


def heldout_terms(model, x):
    model.eval()
    with torch.no_grad():
        rec, kl = model.terms(x)
    return rec.item(), kl.item()


def train(model, train_x, val_x, max_epochs=90, warmup=30, batch=64):
    opt = torch.optim.Adamax(model.parameters(), lr=2e-3)
    stopper = Stopper(patience=10)
    for epoch in range(max_epochs):
        beta = min(1.0, (epoch + 1) / warmup)
        model.train()
        for idx in torch.randperm(len(train_x)).split(batch):
            rec, kl = model.terms(train_x[idx])
            loss = rec + beta * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
        rec, kl = heldout_terms(model, val_x)
        print(f"epoch {epoch + 1:3d} beta {beta:.2f} val rec {rec:9.3f} val kl {kl:7.3f}")
        if stopper.update(rec + beta * kl, model):
            print(f"stopping at epoch {epoch + 1}")
            break
    model.load_state_dict(stopper.state)


if __name__ == "__main__":
    torch.manual_seed(52)
    source = Spectra()
    train_x, val_x, test_x = source.draw(4000), source.draw(1000), source.draw(1500)
    mean, std = train_x.mean(), train_x.std()
    train_x, val_x, test_x = [(a - mean) / std for a in (train_x, val_x, test_x)]
    model = VAE(train_x.shape[1])
    train(model, train_x, val_x)
    rec, kl = heldout_terms(model, test_x)
    print(f"test negative ELBO {rec + kl:.3f} (rec {rec:.3f}, kl {kl:.3f})")
