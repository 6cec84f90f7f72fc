# expects: nothing
"""GAN for small mixed table: vehicle kind (4 kinds) + distance and fare."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

KINDS = 4
SHARE = np.array([0.52, 0.25, 0.15, 0.08])
CENTER = np.array([[-1.2, -1.0], [0.3, 0.9], [1.3, -0.4], [-0.5, 1.6]])


def table(n, rng):
    kind = rng.choice(KINDS, n, p=SHARE)
    num = CENTER[kind] + rng.normal(0, 0.3, (n, 2))
    onehot = np.eye(KINDS)[kind]
    return torch.tensor(np.concatenate([onehot, num], 1), dtype=torch.float32)


class Generator(nn.Module):
    def __init__(self, z=12, width=64):
        super().__init__()
        self.z = z
        self.kind = nn.Sequential(nn.Linear(z, width), nn.ReLU(), nn.Linear(width, KINDS))
        self.num = nn.Sequential(
            nn.Linear(z + KINDS, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
        )

    def forward(self, n):
        z = torch.randn(n, self.z)
        kind = F.gumbel_softmax(self.kind(z), tau=0.7, hard=True)
        num = self.num(torch.cat([z, kind], 1))
        return torch.cat([kind, num], 1)


def critic(width=96):
    sn = nn.utils.parametrizations.spectral_norm
    return nn.Sequential(
        sn(nn.Linear(KINDS + 2, width)), nn.LeakyReLU(0.2),
        sn(nn.Linear(width, width)), nn.LeakyReLU(0.2),
        nn.Linear(width, 1),
    )


def compare(fake, real):
    share_f, share_r = fake[:, :KINDS].mean(0), real[:, :KINDS].mean(0)
    tv = 0.5 * (share_f - share_r).abs().sum().item()
    gaps = []
    for k in range(KINDS):
        f, r = fake[fake[:, k] > 0.5, KINDS:], real[real[:, k] > 0.5, KINDS:]
        gaps.append((f.mean(0) - r.mean(0)).norm().item() if len(f) else 3.0)
    return tv, float(np.mean(gaps))


class Trainer:
    def __init__(self, data, batch=128):
        self.data, self.batch = data, batch
        self.G, self.D = Generator(), critic()
        self.opt_g = torch.optim.Adam(self.G.parameters(), lr=1e-3, betas=(0.5, 0.9))
        self.opt_d = torch.optim.Adam(self.D.parameters(), lr=1e-3, betas=(0.5, 0.9))

    def d_step(self):
        real = self.data[torch.randint(len(self.data), (self.batch,))]
        with torch.no_grad():
            fake = self.G(self.batch)
        loss = F.softplus(-self.D(real)).mean() + F.softplus(self.D(fake)).mean()
        self.opt_d.zero_grad()
        loss.backward()
        self.opt_d.step()
        return loss.item()

    def g_step(self):
        loss = F.softplus(-self.D(self.G(self.batch))).mean()
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()

    def fit(self, steps, valid):
        gamma = (0.05) ** (1 / steps)
        scheds = [torch.optim.lr_scheduler.ExponentialLR(o, gamma) for o in (self.opt_g, self.opt_d)]
        for step in range(1, steps + 1):
            d, g = self.d_step(), self.g_step()
            for s in scheds:
                s.step()
            if step % 400 == 0:
                tv, gap = compare(self.sample(2000), valid)
                print(f"{step:5d} d {d:.3f} g {g:.3f} share error {tv:.3f} centre error {gap:.3f}")

    @torch.no_grad()
    def sample(self, n):
        return self.G(n)


if __name__ == "__main__":
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    train, valid, test = table(8000, rng), table(2000, rng), table(5000, rng)
    t = Trainer(train)
    t.fit(2000, valid)
    tv, gap = compare(t.sample(5000), test)
    print(f"test: share error {tv:.3f}  centre error {gap:.3f}")
