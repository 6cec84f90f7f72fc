# bug: the VAE's reconstruction term is averaged over batch and pixels while its KL term is summed over both, so the KL dominates and the posterior collapses
# expects: LOS041
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, latent=6, hidden=96):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, hidden), nn.ReLU())
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.dec = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, 64))

    def encode(self, x):
        h = self.enc(x)
        return self.mu(h), self.logvar(h)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.dec(z), mu, logvar


def vae_loss(logits, x, mu, logvar):
    recon = F.binary_cross_entropy_with_logits(logits, x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return recon + kl, recon, kl


if __name__ == "__main__":
    torch.manual_seed(0)
    pixels = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    pixels = pixels[torch.randperm(len(pixels))]
    train_x, test_x = pixels[:1500], pixels[1500:]
    loader = DataLoader(train_x, batch_size=50, shuffle=True)
    vae = VAE()
    opt = torch.optim.Adam(vae.parameters(), lr=3e-3)
    baseline = F.mse_loss(train_x.mean(0).expand_as(test_x), test_x).item()
    print(f"pixel mse of the mean image: {baseline:.4f}")
    for epoch in range(18):
        vae.train()
        for x in loader:
            logits, mu, logvar = vae(x)
            loss, recon, kl = vae_loss(logits, x, mu, logvar)
            opt.zero_grad()
            loss.backward()
            opt.step()
        vae.eval()
        with torch.no_grad():
            logits, _, _ = vae(test_x)
            mse = F.mse_loss(torch.sigmoid(logits), test_x).item()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: recon {recon.item():.4f} kl {kl.item():.4f} test mse {mse:.4f}")
