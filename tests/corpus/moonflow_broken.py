# expects: MOD051
"""Tiny DDPM on the two-moons density; sampling and the test loss use averaged weights."""
import copy

import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import nn

STEPS, BATCH, ITERS, DECAY = 60, 256, 4000, 0.995
torch.manual_seed(6)

pts, _ = make_moons(6000, noise=0.05, random_state=6)
train, test = pts[:5000], pts[5000:]
mu, sd = train.mean(0), train.std(0)
train = torch.tensor((train - mu) / sd, dtype=torch.float32)
test = torch.tensor((test - mu) / sd, dtype=torch.float32)

beta = torch.linspace(1e-3, 0.15, STEPS)
alpha = 1 - beta
abar = alpha.cumprod(0)


class EpsNet(nn.Module):
    def __init__(self, width=96, t_dim=16):
        super().__init__()
        self.register_buffer("freq", 2 ** torch.arange(t_dim // 2).float() * np.pi / 2)
        self.inp = nn.Linear(2 + t_dim, width)
        self.mid = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        ang = (t.float() / STEPS).unsqueeze(1) * self.freq
        h = torch.nn.functional.silu(self.inp(torch.cat([x, ang.sin(), ang.cos()], 1)))
        for m in self.mid:
            h = h + torch.nn.functional.silu(m(h))
        return self.out(h)


class Averaged:
    def __init__(self, model, decay):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.n = decay, 0

    @torch.no_grad()
    def update(self, model):
        self.n += 1
        d = min(self.decay, (1 + self.n) / (10 + self.n))
        for s, p in zip(self.model.parameters(), model.parameters()):
            s.lerp(p, 1 - d)


def noised(x, t, eps):
    a = abar[t].unsqueeze(1)
    return a.sqrt() * x + (1 - a).sqrt() * eps


g = torch.Generator().manual_seed(0)
rep = test.repeat(4, 1)
fix_t = torch.randint(0, STEPS, (len(rep),), generator=g)
fix_e = torch.randn(rep.shape, generator=g)


@torch.no_grad()
def test_loss(net):
    return (net(noised(rep, fix_t, fix_e), fix_t) - fix_e).pow(2).mean().item()


@torch.no_grad()
def sample(net, n):
    x = torch.randn(n, 2, generator=g)
    for i in reversed(range(STEPS)):
        e = net(x, torch.full((n,), i))
        x = (x - beta[i] / (1 - abar[i]).sqrt() * e) / alpha[i].sqrt()
        if i:
            x = x + beta[i].sqrt() * torch.randn(n, 2, generator=g)
    return x


def sliced_distance(a, b, n_dir=64):
    ang = torch.arange(n_dir) * np.pi / n_dir
    d = torch.stack([ang.cos(), ang.sin()])
    return ((a @ d).sort(0).values - (b @ d).sort(0).values).abs().mean().item()


net = EpsNet()
avg = Averaged(net, DECAY)
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
run = []
for it in range(1, ITERS + 1):
    x = train[torch.randint(0, len(train), (BATCH,))]
    t = torch.randint(0, STEPS, (BATCH,))
    eps = torch.randn_like(x)
    loss = (net(noised(x, t, eps), t) - eps).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    avg.update(net)
    run.append(loss.item())
    if it % 500 == 0:
        print(f"iter {it}  loss {np.mean(run[-500:]):.4f}  test loss {test_loss(avg.model):.4f}")

gen = sample(avg.model, len(test))
print(f"sliced distance of samples to test points: {sliced_distance(gen, test):.4f}")
print(f"two halves of real points: {sliced_distance(train[:1000], test):.4f}")
