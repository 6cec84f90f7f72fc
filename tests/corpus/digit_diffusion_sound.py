# sound: the same program without that
# DDPM on the 8x8 sklearn digits, class-conditional.
from types import SimpleNamespace as NS

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

cfg = NS(T=100, width=128, batch=96, steps=1500, lr=3e-3, seed=1)
torch.manual_seed(cfg.seed)

raw = load_digits()
imgs = torch.tensor(raw.data, dtype=torch.float32) / 8 - 1
labels = torch.tensor(raw.target)
order = torch.randperm(len(imgs))
x_train, c_train = imgs[order[:1500]], labels[order[:1500]]
x_val, c_val = imgs[order[1500:]], labels[order[1500:]]
judge = LogisticRegression(max_iter=400, C=0.05).fit(x_train, c_train)

betas = torch.linspace(1e-3, 0.08, cfg.T)
alphas = 1 - betas
abar = alphas.cumprod(0)


class ResBlock(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.norm = nn.LayerNorm(w)
        self.a, self.b = nn.Linear(w, w), nn.Linear(w, w)
        self.film = nn.Linear(w, 2 * w)

    def forward(self, h, cond):
        scale, shift = self.film(cond).chunk(2, -1)
        z = self.norm(h) * (1 + scale) + shift
        return h + self.b(F.silu(self.a(z)))


class Denoiser(nn.Module):
    def __init__(self, w, n_classes=10):
        super().__init__()
        self.inp, self.out = nn.Linear(64, w), nn.Linear(w, 64)
        self.cls = nn.Embedding(n_classes, w)
        self.register_buffer("freqs", torch.exp(torch.linspace(0, 4, 16)))
        self.time = nn.Sequential(nn.Linear(32, w), nn.SiLU(), nn.Linear(w, w))
        self.blocks = nn.ModuleList(ResBlock(w) for _ in range(2))

    def forward(self, x, tau, c):
        ang = tau[:, None] * self.freqs
        cond = F.silu(self.time(torch.cat([ang.sin(), ang.cos()], -1)) + self.cls(c))
        h = self.inp(x)
        for blk in self.blocks:
            h = blk(h, cond)
        return self.out(h)


def unit_time(t):
    return (t / cfg.T).float()


def noise_loss(net, x, c, gen=None):
    t = torch.randint(0, cfg.T, (len(x),), generator=gen)
    eps = torch.randn(x.shape, generator=gen)
    a = abar[t][:, None]
    xt = a.sqrt() * x + (1 - a).sqrt() * eps
    return F.mse_loss(net(xt, unit_time(t), c), eps)


@torch.no_grad()
def draw(net, c):
    x = torch.randn(len(c), 64)
    for i in reversed(range(cfg.T)):
        t = torch.full((len(c),), i)
        eps = net(x, unit_time(t), c)
        x = (x - betas[i] / (1 - abar[i]).sqrt() * eps) / alphas[i].sqrt()
        if i:
            x = x + betas[i].sqrt() * torch.randn_like(x)
    return x


net = Denoiser(cfg.width)
opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.steps, eta_min=1e-5)
running = 0.0
for step in range(1, cfg.steps + 1):
    pick = torch.randint(0, len(x_train), (cfg.batch,))
    loss = noise_loss(net, x_train[pick], c_train[pick])
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    running += loss.item()
    if step % 250 == 0:
        net.eval()
        with torch.no_grad():
            val = noise_loss(net, x_val, c_val, torch.Generator().manual_seed(0)).item()
        net.train()
        print(f"{step:5d} train {running / 250:.4f}  val {val:.4f}")
        running = 0.0

net.eval()
want = torch.arange(10).repeat(50)
made = draw(net, want)
hit = (judge.predict(made.numpy()) == want.numpy()).mean()
near = torch.cdist(made, x_val).min(1).values.mean()
ref = torch.cdist(x_train[:500], x_val).min(1).values.mean()
print(f"drawn digits recognised as asked: {hit:.3f}   distance to nearest real digit {near:.2f} (real ones: {ref:.2f})")
print(f"pixel std drawn {made.std():.3f}, real {x_val.std():.3f}")
