# expects: nothing
import copy
from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F


@dataclass
class Config:
    latent: int = 8
    hidden: int = 128
    lr: float = 1.5e-3
    batch: int = 32
    epochs: int = 120
    warmup_epochs: int = 40
    patience: int = 8
    seed: int = 21


class VAE(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, cfg.hidden), nn.Tanh(), nn.Linear(cfg.hidden, cfg.hidden), nn.Tanh())
        self.to_mu = nn.Linear(cfg.hidden, cfg.latent)
        self.to_logvar = nn.Linear(cfg.hidden, cfg.latent)
        self.dec = nn.Sequential(nn.Linear(cfg.latent, cfg.hidden), nn.Tanh(),
                                 nn.Linear(cfg.hidden, cfg.hidden), nn.Tanh(), nn.Linear(cfg.hidden, 64))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.to_mu(h), self.to_logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar


def terms(model, x):
    """Reconstruction and KL, nats per image."""
    logits, mu, logvar = model(x)
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
    kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1).mean()
    return rec, kl


@torch.no_grad()
def evaluate(model, x, beta, draws=4):
    model.eval()
    rec, kl = 0.0, 0.0
    for _ in range(draws):
        r, k = terms(model, x)
        rec, kl = rec + r.item() / draws, kl + k.item() / draws
    return rec + beta * kl, rec, kl


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.bad, self.state = patience, float("inf"), 0, None

    def update(self, value, model):
        if value < self.best:
            self.best, self.bad = value, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


def load(cfg):
    x = torch.tensor(load_digits().images.reshape(-1, 64) >= 7.5, dtype=torch.float32)
    train, rest = train_test_split(x, test_size=0.4, random_state=cfg.seed)
    val, test = train_test_split(rest, test_size=0.5, random_state=cfg.seed)
    return train, val, test


def fit(cfg, model, train, val):
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    stopper = EarlyStopping(cfg.patience)
    for epoch in range(cfg.epochs):
        beta = min(1.0, (epoch + 1) / cfg.warmup_epochs)
        model.train()
        for idx in torch.randperm(len(train)).split(cfg.batch):
            rec, kl = terms(model, train[idx])
            loss = rec + beta * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
        value, rec, kl = evaluate(model, val, beta=1.0)
        if epoch % 4 == 0:
            print(f"epoch {epoch:3d} beta {beta:.3f} val {value:.2f} (rec {rec:.2f}, kl {kl:.2f})")
        if stopper.update(value, model):
            print(f"stopping at epoch {epoch}, best val {stopper.best:.2f}")
            break
    model.load_state_dict(stopper.state)


if __name__ == "__main__":
    cfg = Config()
    torch.manual_seed(cfg.seed)
    train, val, test = load(cfg)
    model = VAE(cfg)
    fit(cfg, model, train, val)
    bound, rec, kl = evaluate(model, test, beta=1.0, draws=16)
    print(f"test negative ELBO {bound:.2f} nats (rec {rec:.2f}, kl {kl:.2f})")
