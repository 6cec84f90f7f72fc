# expects: nothing
# %% [markdown]
# A small VAE on the 8x8 digits: can we compress a digit to 8 numbers and still read it?

# %%
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

# %%
digits = load_digits()
images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
labels = digits.target
rng = np.random.default_rng(0)
idx = rng.permutation(len(images))
train_idx, test_idx = idx[:1400], idx[1400:]
train_x, test_x = images[train_idx], images[test_idx]
loader = DataLoader(TensorDataset(train_x), batch_size=64, shuffle=True)


# %%
class VAE(nn.Module):
    def __init__(self, z_dim=8):
        super().__init__()
        self.enc = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 2 * 2, 64), nn.ReLU(),
        )
        self.mu = nn.Linear(64, z_dim)
        self.logvar = nn.Linear(64, z_dim)
        self.dec = nn.Sequential(
            nn.Linear(z_dim, 64), nn.ReLU(),
            nn.Linear(64, 32 * 2 * 2), nn.ReLU(), nn.Unflatten(1, (32, 2, 2)),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
        )

    def encode(self, x):
        h = self.enc(x)
        return self.mu(h), self.logvar(h)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.dec(z), mu, logvar


SIGMA = 0.2      # of a pixel under the decoder


def elbo_terms(x_hat, x, mu, logvar):
    rec = F.mse_loss(x_hat, x, reduction="sum") / x.size(0) / (2 * SIGMA ** 2)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1).mean()
    return rec, kl


# %%
vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
EPOCHS = 60
history = []
for epoch in range(EPOCHS):
    vae.train()
    sums = np.zeros(2)
    for (x,) in loader:
        x_hat, mu, logvar = vae(x)
        rec, kl = elbo_terms(x_hat, x, mu, logvar)
        loss = rec + kl
        opt.zero_grad()
        loss.backward()
        opt.step()
        sums += np.array([rec.item(), kl.item()]) * len(x)
    vae.eval()
    with torch.no_grad():
        x_hat, mu, logvar = vae(test_x)
        t_rec, t_kl = elbo_terms(x_hat, test_x, mu, logvar)
    history.append((*(sums / len(train_x)), t_rec.item(), t_kl.item()))
    if (epoch + 1) % 6 == 0:
        r, k, tr, tk = history[-1]
        print(f"epoch {epoch + 1:3d}  loss {r + k:8.4f} (rec {r:.4f} kl {k:.4f})   test {tr + tk:8.4f}")

# %% how good are the reconstructions?
with torch.no_grad():
    mu_tr, _ = vae.encode(train_x)
    mu_te, _ = vae.encode(test_x)
    rebuilt = vae.dec(mu_te).clamp(0, 1)
mse = F.mse_loss(rebuilt, test_x).item()
mse_mean = F.mse_loss(train_x.mean(0, keepdim=True).expand_as(test_x), test_x).item()
print(f"pixel MSE {mse:.4f}   (mean digit: {mse_mean:.4f})")

# %% and is the code of any use?
probe = LogisticRegression(max_iter=2000).fit(mu_tr.numpy(), labels[train_idx])
print(f"linear probe on the code: {probe.score(mu_te.numpy(), labels[test_idx]):.3f}")
