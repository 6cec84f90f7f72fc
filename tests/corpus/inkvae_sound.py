# expects: nothing
"""Small VAE over 8x8 pen strokes; compared by the importance-weighted bound on held-out rows."""
import argparse
import math

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

ap = argparse.ArgumentParser()
ap.add_argument("--latent", type=int, default=8)
ap.add_argument("--width", type=int, default=200)
ap.add_argument("--epochs", type=int, default=80)
ap.add_argument("--batch", type=int, default=64)
ap.add_argument("--lr", type=float, default=1e-3)
ap.add_argument("--seed", type=int, default=3)
args = ap.parse_args()

torch.manual_seed(args.seed)


class Encoder(nn.Module):
    def __init__(self, d, width, latent):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(d, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.loc = nn.Linear(width, latent)
        self.log_scale = nn.Linear(width, latent)

    def forward(self, x):
        h = self.trunk(x)
        return Normal(self.loc(h), self.log_scale(h).clamp(-6, 3).exp())


class Decoder(nn.Module):
    def __init__(self, latent, width, d):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(latent, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
                                 nn.Linear(width, d))

    def forward(self, z):
        return Bernoulli(logits=self.net(z))


class VAE(nn.Module):
    def __init__(self, d, width, latent):
        super().__init__()
        self.enc = Encoder(d, width, latent)
        self.dec = Decoder(latent, width, d)
        self.register_buffer("zero", torch.zeros(latent))
        self.register_buffer("one", torch.ones(latent))

    @property
    def prior(self):
        return Normal(self.zero, self.one)

    def loss(self, x):
        q = self.enc(x)
        z = q.rsample()
        nll = -self.dec(z).log_prob(x).sum(-1)
        kl = kl_divergence(q, self.prior).sum(-1)
        return (nll + kl).mean(), nll.mean(), kl.mean()

    def iw_bound(self, x, k=100):
        q = self.enc(x)
        z = q.sample((k,))
        logw = (self.dec(z).log_prob(x).sum(-1) + self.prior.log_prob(z).sum(-1) - q.log_prob(z).sum(-1))
        return (torch.logsumexp(logw, 0) - math.log(k)).mean()


ink = torch.tensor(load_digits().data > 7.5, dtype=torch.float32)
perm = torch.randperm(len(ink))
train_x, test_x = ink[perm[:1400]], ink[perm[1400:]]

vae = VAE(ink.shape[1], args.width, args.latent)
opt = torch.optim.Adam(vae.parameters(), lr=args.lr)

for epoch in range(1, args.epochs + 1):
    vae.train()
    order = torch.randperm(len(train_x))
    sums = torch.zeros(3)
    for chunk in order.split(args.batch):
        loss, nll, kl = vae.loss(train_x[chunk])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sums += torch.stack([loss, nll, kl]).detach() * len(chunk)
    if epoch % 10 == 0 or epoch == 1:
        vae.eval()
        with torch.no_grad():
            bound = vae.iw_bound(test_x).item()
        tot, rec, kld = (sums / len(train_x)).tolist()
        print(f"[{epoch:3d}] loss {tot:7.3f}  rec {rec:7.3f}  kl {kld:6.3f}   test log p(x) >= {bound:7.3f}")

base = train_x.mean(0).clamp(1e-3, 1 - 1e-3)
print(f"independent-pixel baseline: {Bernoulli(probs=base).log_prob(test_x).sum(-1).mean():.3f} nats")
vae.eval()
with torch.no_grad():
    rec = vae.dec(vae.enc(test_x).mean).probs
    print(f"test log p(x) >= {vae.iw_bound(test_x):.3f} nats, "
          f"pixel error of reconstructions {((rec > 0.5).float() != test_x).float().mean():.4f}")
