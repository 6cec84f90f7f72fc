# bug: the noise target is already multiplied by the noise level, while the sampler expects unit noise (Schedule.diffuse)
# expects: LOS049
# Small DDPM on 2-D points (pen positions of a double spiral). Compare samples with held-out points.
import math
import numpy as np
import torch
from torch import nn

torch.manual_seed(11)
rng = np.random.default_rng(11)
T = 100
BATCH = 256
STEPS = 3500


def pen_points(n):
    arm = rng.integers(0, 2, n)
    u = np.sqrt(rng.uniform(0.05, 1.0, n)) * 2.2 * np.pi
    r = u / (2.2 * np.pi)
    ang = u + arm * np.pi
    xy = np.stack([r * np.cos(ang), r * np.sin(ang)], 1) + rng.normal(0, 0.02, (n, 2))
    return torch.tensor(xy, dtype=torch.float32)


train = pen_points(6000)
held_out = pen_points(3000)
mu, sd = train.mean(0), train.std(0)
train = (train - mu) / sd
held_out = (held_out - mu) / sd


class Schedule:
    def __init__(self, steps):
        self.beta = torch.linspace(1e-4, 0.08, steps)
        self.alpha = 1 - self.beta
        self.abar = torch.cumprod(self.alpha, 0)
        self.signal = self.abar.sqrt()
        self.noise = (1 - self.abar).sqrt()

    def diffuse(self, x0, t):
        eps = self.noise[t, None] * torch.randn_like(x0)
        x_t = self.signal[t, None] * x0 + eps
        return x_t, eps


class Denoiser(nn.Module):
    def __init__(self, width=128, tdim=32):
        super().__init__()
        self.register_buffer("freq", torch.exp(-math.log(1000.0) * torch.arange(tdim // 2) / (tdim // 2)))
        self.inp = nn.Linear(14 + tdim, width)
        self.mid = nn.ModuleList([nn.Linear(width + tdim, width) for _ in range(2)])
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        a = t[:, None].float() * self.freq
        emb = torch.cat([a.sin(), a.cos()], 1)
        w = torch.cat([x, 2 * x, 4 * x], 1)
        h = nn.functional.silu(self.inp(torch.cat([x, w.sin(), w.cos(), emb], 1)))
        for layer in self.mid:
            h = h + nn.functional.silu(layer(torch.cat([h, emb], 1)))
        return self.out(h)


sched = Schedule(T)
net = Denoiser()
ema = Denoiser()
ema.load_state_dict(net.state_dict())
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
lr_sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, STEPS)


@torch.no_grad()
def sample(model, n):
    x = torch.randn(n, 2)
    for k in reversed(range(T)):
        t = torch.full((n,), k)
        eps = model(x, t)
        mean = (x - sched.beta[k] / (1 - sched.abar[k]).sqrt() * eps) / sched.alpha[k].sqrt()
        if k > 0:
            var = sched.beta[k] * (1 - sched.abar[k - 1]) / (1 - sched.abar[k])
            x = mean + var.sqrt() * torch.randn_like(x)
        else:
            x = mean
    return x


def chamfer(a, b):
    d = torch.cdist(a, b)
    return d.min(1).values.mean().item(), d.min(0).values.mean().item()


avg = 0.0
for step in range(1, STEPS + 1):
    x0 = train[torch.randint(len(train), (BATCH,))]
    t = torch.randint(0, T, (BATCH,))
    x_t, eps = sched.diffuse(x0, t)
    loss = nn.functional.mse_loss(net(x_t, t), eps)
    opt.zero_grad()
    loss.backward()
    opt.step()
    lr_sched.step()
    with torch.no_grad():
        for p, q in zip(ema.parameters(), net.parameters()):
            p.lerp_(q, 0.01)
    avg += loss.item()
    if step % 500 == 0:
        s = sample(ema, 1500)
        off, miss = chamfer(s, held_out)
        print(f"step {step:5d}  loss {avg / 500:.4f}  sample->data {off:.4f}  data->sample {miss:.4f}")
        avg = 0.0

s = sample(ema, 3000)
off, miss = chamfer(s, held_out)
ref, _ = chamfer(train[:3000], held_out)
print(f"final: sample->data {off:.4f} (real points {ref:.4f}), data->sample {miss:.4f}, sample std {s.std(0).tolist()}")
