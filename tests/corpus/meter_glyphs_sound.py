# expects: nothing
"""Variational autoencoder for the digits of gas meters; the code is judged by a nearest-neighbour probe."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier


def sample(mu, logvar):
    return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)


class GlyphVAE(nn.Module):
    def __init__(self, code=8, hidden=128):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.to_mu = nn.Linear(hidden, code)
        self.to_logvar = nn.Linear(hidden, code)
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                                     nn.Linear(hidden, 64))

    def encode(self, x):
        h = self.encoder(x)
        return self.to_mu(h), self.to_logvar(h)

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decoder(sample(mu, logvar)), mu, logvar


def elbo_terms(logits, x, mu, logvar):
    recon = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    return recon, kl


class Annealer:
    """Weight of the KL term over the course of the training."""

    def __init__(self, steps, start=0.0, final=0.25):
        self.steps, self.start, self.final = steps, start, final

    def weight(self, step):
        return min(self.final, self.start + (self.final - self.start) * step / self.steps)


@torch.no_grad()
def assess(model, x_tr, y_tr, x_va, y_va):
    model.eval()
    mu, logvar = model.encode(x_va)
    recon, kl = elbo_terms(model.decoder(mu), x_va, mu, logvar)
    probe = KNeighborsClassifier(5).fit(sample(*model.encode(x_tr)).numpy(), y_tr)
    return recon.item(), kl.item(), probe.score(sample(mu, logvar).numpy(), y_va)


def train(epochs=60, batch_size=64, lr=2e-3, seed=12):
    torch.manual_seed(seed)
    digits = load_digits()
    x = (digits.data / 16.0).astype(np.float32)
    x_tr, x_va, y_tr, y_va = train_test_split(x, digits.target, test_size=0.2, stratify=digits.target, random_state=seed)
    x_tr, x_va = torch.from_numpy(x_tr), torch.from_numpy(x_va)
    model = GlyphVAE()
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    per_epoch = -(-len(x_tr) // batch_size)
    anneal = Annealer(steps=4 * per_epoch)
    step = 0
    for epoch in range(1, epochs + 1):
        model.train()
        sums = np.zeros(2)
        for idx in torch.randperm(len(x_tr)).split(batch_size):
            xb = x_tr[idx]
            logits, mu, logvar = model(xb)
            recon, kl = elbo_terms(logits, xb, mu, logvar)
            loss = recon + anneal.weight(step) * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            step += 1
            sums += np.array([recon.item(), kl.item()]) * len(idx)
        if epoch % 5 == 0:
            r, k, acc = assess(model, x_tr, y_tr, x_va, y_va)
            tr = sums / len(x_tr)
            print(f"epoch {epoch:3d}  train recon {tr[0]:.2f} kl {tr[1]:.2f}   "
                  f"valid recon {r:.2f} kl {k:.2f} probe accuracy {acc:.3f}")
    return model


if __name__ == "__main__":
    train()
