# bug: in the VAE std = exp(logvar), and eps is drawn once at construction, so there is no fresh noise
# expects: LOS045
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class VAE(nn.Module):
    def __init__(self, latent=8, width=128):
        super().__init__()
        self.latent = latent
        self.trunk = nn.Sequential(nn.Linear(64, width), nn.ReLU())
        self.mu = nn.Linear(width, latent)
        self.logvar = nn.Linear(width, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, 64))
        self.register_buffer("eps", torch.randn(latent))

    def reparameterise(self, mu, logvar):
        std = torch.exp(logvar)
        return mu + std * self.eps

    def forward(self, x):
        h = self.trunk(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.decoder(self.reparameterise(mu, logvar)), mu, logvar

    @torch.no_grad()
    def generate(self, n):
        return torch.sigmoid(self.decoder(torch.randn(n, self.latent)))


def elbo_terms(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum() / len(x)
    return rec, kl


def main():
    torch.manual_seed(41)
    d = load_digits()
    pixels = torch.tensor(d.data / 16, dtype=torch.float32)
    order = torch.randperm(len(pixels))
    pixels = pixels[order]
    train, test = pixels[:1500], pixels[1500:]
    vae = VAE()
    opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
    for epoch in range(1, 16):
        vae.train()
        sums = torch.zeros(2)
        for x in train[torch.randperm(1500)].split(50):
            logits, mu, logvar = vae(x)
            rec, kl = elbo_terms(logits, x, mu, logvar)
            opt.zero_grad()
            (rec + kl).backward()
            opt.step()
            sums += torch.tensor([rec.item(), kl.item()])
        if epoch % 3 == 0:
            r, k = (sums / 30).tolist()
            print(f"epoch {epoch:2d}  reconstruction {r:.3f}  kl {k:.3f}")

    # true negative ELBO on held-out digits, several draws
    vae.eval()
    with torch.no_grad():
        h = vae.trunk(test)
        mu, logvar = vae.mu(h), vae.logvar(h)
        draws = [elbo_terms(vae.decoder(mu + (0.5 * logvar).exp() * torch.randn_like(mu)), test, mu, logvar) for _ in range(10)]
    print("held-out negative ELBO %.3f" % (sum((r + k).item() for r, k in draws) / 10))
    fake = vae.generate(500)
    print("mean distance of a generated digit to a real one %.3f" % torch.cdist(fake, train).min(1).values.mean().item())


if __name__ == "__main__":
    main()
