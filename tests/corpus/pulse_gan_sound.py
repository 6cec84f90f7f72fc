# expects: nothing
"""GAN that makes up detector pulses (48 samples each) to enlarge a small simulation campaign."""
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(9)
np.random.seed(9)
L, Z = 48, 12


def pulses(n):
    t = np.linspace(0, 1, L)[None]
    t0 = np.random.uniform(0.2, 0.5, (n, 1))
    rise = np.random.uniform(0.03, 0.06, (n, 1))
    fall = np.random.uniform(0.10, 0.25, (n, 1))
    amp = np.random.uniform(0.8, 1.6, (n, 1))
    wave = amp / (1 + np.exp(-(t - t0) / rise)) * np.exp(-np.clip(t - t0, 0, None) / fall)
    return torch.tensor(wave + 0.02 * np.random.randn(n, L), dtype=torch.float32)


train, held = pulses(3000), pulses(600)
mu, sd = train.mean(), train.std()
train, held = (train - mu) / sd, (held - mu) / sd

G = nn.Sequential(nn.Linear(Z, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, L))
D = nn.Sequential(nn.Linear(L, 96), nn.LeakyReLU(0.2), nn.Linear(96, 96), nn.LeakyReLU(0.2), nn.Linear(96, 1))

opt_g = torch.optim.Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.999))
B, EPOCHS = 128, 160

def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def mmd(a, b):
    """Kernel distance of two samples; 0 for equal distributions."""
    total = 0.0
    for s in (2.0, 5.0, 10.0):
        k = lambda u, v: torch.exp(-torch.cdist(u, v) ** 2 / (2 * s * s))
        n, m = len(a), len(b)
        total += (k(a, a).sum() - n) / (n * (n - 1)) + (k(b, b).sum() - m) / (m * (m - 1)) - 2 * k(a, b).mean()
    return total.item()


print(f"mmd of real vs real: {mmd(train[:600], held):.4f}")
for epoch in range(1, EPOCHS + 1):
    for idx in torch.randperm(len(train)).split(B):
        real = train[idx]
        with torch.no_grad():
            fake = G(torch.randn(len(real), Z))
        loss_d = bce(D(real), 1.0) + bce(D(fake), 0.0)
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = bce(D(G(torch.randn(B, Z))), 1.0)
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()

    if epoch % 20 == 0:
        with torch.no_grad():
            sample = G(torch.randn(600, Z))
            p_real, p_fake = D(held).sigmoid().mean().item(), D(sample).sigmoid().mean().item()
        print(f"epoch {epoch:4d}  D {loss_d.item():.3f}  G {loss_g.item():.3f}  "
              f"D(real) {p_real:.3f}  D(fake) {p_fake:.3f}  mmd {mmd(sample, held):.4f}")
