# expects: nothing
"""Class-conditional GAN on 8x8 scans.

FD  = Frechet distance in the PCA space of the real data (lower is better)
hit = share of generated scans that a classifier fitted on real scans reads as the requested class
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

SEED, Z, BATCH, EPOCHS, CLASSES = 17, 16, 64, 80, 10
torch.manual_seed(SEED)


def mlp(sizes, act, norm=False, drop=0.0):
    layers = []
    for a, b in zip(sizes[:-2], sizes[1:-1]):
        layers.append(nn.Linear(a, b))
        if norm:
            layers.append(nn.BatchNorm1d(b))
        layers.append(act())
        if drop:
            layers.append(nn.Dropout(drop))
    return layers + [nn.Linear(sizes[-2], sizes[-1])]


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(*mlp([Z + CLASSES, 128, 128, 64], nn.ReLU, norm=True), nn.Tanh())

    def forward(self, z, cond):
        return self.net(torch.cat([z, cond], 1))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(*mlp([64 + CLASSES, 128, 128, 1], lambda: nn.LeakyReLU(0.2), drop=0.3))

    def forward(self, x, cond):
        return self.net(torch.cat([x, cond], 1)).squeeze(1)


def encode(pixels):
    return (pixels - 8.0) / 8.0


def decode(x):
    return 8.0 + x * 8.0


def d_loss(real_logit, fake_logit):
    real = F.binary_cross_entropy_with_logits(real_logit, torch.full_like(real_logit, 0.9))
    fake = F.binary_cross_entropy_with_logits(fake_logit, torch.zeros_like(fake_logit))
    return real + fake


def g_loss(fake_logit):
    return F.binary_cross_entropy_with_logits(fake_logit, torch.ones_like(fake_logit))


def frechet(a, b):
    mu = ((a.mean(0) - b.mean(0)) ** 2).sum()
    ca, cb = np.cov(a.T), np.cov(b.T)
    eig = np.linalg.eigvals(ca @ cb).real.clip(min=0)
    return mu + np.trace(ca) + np.trace(cb) - 2 * np.sqrt(eig).sum()


digits = load_digits()
rng = np.random.default_rng(SEED)
perm = rng.permutation(len(digits.data))
data, target = digits.data[perm], digits.target[perm]
train_np, test_np = data[:1280], data[1280:]
reader = LogisticRegression(max_iter=2000, C=0.003).fit(train_np, target[:1280])
pca = PCA(20).fit(train_np)
test_feat = pca.transform(test_np)
real_set = torch.tensor(encode(train_np), dtype=torch.float32)
real_cls = F.one_hot(torch.tensor(target[:1280]), CLASSES).float()

gen, disc = Generator(), Discriminator()
opt_g = torch.optim.Adam(gen.parameters(), lr=5e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(disc.parameters(), lr=5e-4, betas=(0.5, 0.999))
fixed_z = torch.randn(1000, Z)
fixed_cls = torch.arange(1000) % CLASSES


def quality():
    gen.eval()
    with torch.no_grad():
        fake = decode(gen(fixed_z, F.one_hot(fixed_cls, CLASSES).float())).numpy()
    gen.train()
    return frechet(pca.transform(fake), test_feat), reader.score(fake, fixed_cls.numpy())


print(f"start: FD {quality()[0]:.2f}   train vs test: FD {frechet(pca.transform(train_np), test_feat):.2f}")
for epoch in range(1, EPOCHS + 1):
    ld = lg = p_real = p_fake = 0.0
    batches = torch.randperm(len(real_set)).split(BATCH)
    for idx in batches:
        real, real_cond = real_set[idx], real_cls[idx]
        fake_cond = F.one_hot(torch.randint(CLASSES, (len(idx),)), CLASSES).float()
        fake = gen(torch.randn(len(idx), Z), fake_cond)

        out_r, out_f = disc(real, real_cond), disc(fake.detach(), fake_cond)
        loss_d = d_loss(out_r, out_f)
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = g_loss(disc(fake, fake_cond))
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()

        ld += loss_d.item()
        lg += loss_g.item()
        p_real += out_r.detach().sigmoid().mean().item()
        p_fake += out_f.detach().sigmoid().mean().item()
    if epoch % 10 == 0 or epoch == 1:
        n = len(batches)
        fd, hit = quality()
        print(f"{epoch:3d}  D {ld / n:.3f}  G {lg / n:.3f}  D(x) {p_real / n:.2f}  D(G(z)) {p_fake / n:.2f}  FD {fd:.2f}  hit {hit:.2f}")
