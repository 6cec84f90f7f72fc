# sound: the same program without that
# %% imports
import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

torch.manual_seed(1)

# %% data
d = load_digits()
x_all = torch.from_numpy((d.data / 16).astype(np.float32))
order = torch.randperm(len(x_all))
x_all, lab = x_all[order], d.target[order.numpy()]
x_train, x_val = x_all[:1400], x_all[1400:]
lab_train, lab_val = lab[:1400], lab[1400:]

# %% model
Z = 8


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(64, 128)
        self.mu = nn.Linear(128, Z)
        self.logvar = nn.Linear(128, Z)
        self.dec1 = nn.Linear(Z, 128)
        self.dec2 = nn.Linear(128, 64)

    def encode(self, x):
        h = F.elu(self.enc(x))
        return self.mu(h), self.logvar(h)

    def decode(self, z):
        return torch.sigmoid(self.dec2(F.elu(self.dec1(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), mu, logvar


def elbo_loss(recon, x, mu, logvar):
    bce = F.binary_cross_entropy(recon, x, reduction="none").sum(1).mean()
    kld = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    return bce + kld, bce, kld


# %% training
vae = VAE()
optimizer = optim.Adam(vae.parameters(), lr=2e-3)
for epoch in range(1, 81):
    vae.train()
    for idx in torch.randperm(len(x_train)).split(64):
        x = x_train[idx]
        recon, mu, logvar = vae(x)
        loss, bce, kld = elbo_loss(recon, x, mu, logvar)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        vae.eval()
        with torch.no_grad():
            recon, mu, logvar = vae(x_val)
            vl, vb, vk = elbo_loss(recon, x_val, mu, logvar)
            mse = F.mse_loss(vae.decode(mu), x_val).item()
        print(f"epoch {epoch:3d} | train {loss.item():.3f} | val {vl:.3f} (rec {vb:.3f}, kl {vk:.4f}) | val pixel mse {mse:.4f}")

# %% what is in the code?
with torch.no_grad():
    mu_tr, _ = vae.encode(x_train)
    mu_va, _ = vae.encode(x_val)
    mse_mean = F.mse_loss(x_train.mean(0).expand_as(x_val), x_val).item()
print("pixel mse of the mean image: %.4f" % mse_mean)
print("std of each latent mean:", [round(v, 3) for v in mu_va.std(0).tolist()])
knn = KNeighborsClassifier(5).fit(mu_tr.numpy(), lab_train)
print("5-NN accuracy on latent means: %.3f" % knn.score(mu_va.numpy(), lab_val))
