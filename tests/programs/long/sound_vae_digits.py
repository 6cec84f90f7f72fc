# expects: nothing
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, hidden=64, latent=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU())
        self.mean = nn.Linear(hidden, latent)
        self.log_var = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, 64), nn.Sigmoid())

    def forward(self, x):
        h = self.encoder(x)
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
        return self.decoder(z), mean, log_var


def elbo(recon, x, mean, log_var):
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
    return bce + kld


torch.manual_seed(0)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 16
train, test = images[:1500], images[1500:]
vae = VAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=1e-3)
for epoch in range(6):
    vae.train()
    total = 0.0
    for batch in DataLoader(train, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        recon, mean, log_var = vae(batch)
        loss = elbo(recon, batch, mean, log_var)
        loss.backward()
        total += loss.item()
        optimizer.step()
    vae.eval()
    with torch.no_grad():
        recon, mean, log_var = vae(test)
        held_out = elbo(recon, test, mean, log_var).item() / len(test)
    print(f"epoch {epoch}: train {total / len(train):.2f} test {held_out:.2f}")
with torch.no_grad():
    vae.decoder(torch.randn(16, 8))
