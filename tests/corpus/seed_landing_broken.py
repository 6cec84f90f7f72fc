# bug: Schedule.noised scales the noise by (1 - alpha_bar) instead of its square root, which the sampler assumes
# expects: LOS057
import numpy as np
import torch
import torch.nn as nn
from scipy.spatial.distance import cdist


class Schedule:
    def __init__(self, steps=60, lo=1e-3, hi=0.12):
        self.steps = steps
        self.beta = torch.linspace(lo, hi, steps)
        self.alpha = 1 - self.beta
        self.alpha_bar = torch.cumprod(self.alpha, 0)

    def noised(self, x0, t, eps):
        ab = self.alpha_bar[t].unsqueeze(-1)
        return ab.sqrt() * x0 + (1 - ab) * eps


class Denoiser(nn.Module):
    def __init__(self, steps, width=96, bands=8):
        super().__init__()
        self.steps = steps
        self.register_buffer("freq", torch.pi * 2.0 ** torch.arange(bands) / 4)
        self.inp = nn.Linear(2 + 2 * bands, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        ang = (t.float() / self.steps).unsqueeze(-1) * self.freq
        h = torch.relu(self.inp(torch.cat([x, ang.sin(), ang.cos()], -1)))
        for lin in self.hidden:
            h = h + torch.relu(lin(h))
        return self.out(h)


class Trainer:
    def __init__(self, data, steps=2500, batch=256, lr=2e-3, decay=0.995):
        self.data, self.steps, self.batch = data, steps, batch
        self.sched = Schedule()
        self.net = Denoiser(self.sched.steps)
        self.shadow = torch.optim.swa_utils.AveragedModel(
            self.net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
        )
        self.opt = torch.optim.Adam(self.net.parameters(), lr=lr)
        self.lr = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, steps, eta_min=1e-5)

    def step(self):
        x0 = self.data[torch.randint(len(self.data), (self.batch,))]
        t = torch.randint(self.sched.steps, (self.batch,))
        eps = torch.randn_like(x0)
        loss = (self.net(self.sched.noised(x0, t, eps), t) - eps).pow(2).mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.lr.step()
        self.shadow.update_parameters(self.net)
        return loss.item()

    @torch.no_grad()
    def sample(self, n):
        s = self.sched
        x = torch.randn(n, 2)
        for i in range(s.steps - 1, -1, -1):
            eps = self.shadow(x, torch.full((n,), i))
            x = (x - s.beta[i] / (1 - s.alpha_bar[i]).sqrt() * eps) / s.alpha[i].sqrt()
            if i > 0:
                x = x + s.beta[i].sqrt() * torch.randn_like(x)
        return x

    def run(self, held_out):
        recent = []
        for k in range(1, self.steps + 1):
            recent.append(self.step())
            if k % 500 == 0:
                print(f"step {k:4d} loss {np.mean(recent):.4f} energy distance {energy(self.sample(800), held_out):.4f}")
                recent = []


def energy(a, b):
    a, b = a.numpy(), b.numpy()
    return 2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()


CENTRES = np.array([[-2.0, -1.2], [-1.4, 1.6], [0.2, 0.1], [1.5, -1.7], [2.1, 1.3], [0.3, 2.4]])


def landings(n, rng):
    """Where seeds came down around six feeders."""
    which = rng.choice(6, n, p=[0.1, 0.15, 0.3, 0.2, 0.15, 0.1])
    return torch.tensor(CENTRES[which] + rng.normal(0, 0.18, (n, 2)), dtype=torch.float32)


if __name__ == "__main__":
    torch.manual_seed(40)
    rng = np.random.default_rng(40)
    train, held_out = landings(6000, rng), landings(1500, rng)
    mean, scale = train.mean(0), train.std()
    trainer = Trainer((train - mean) / scale)
    held_out = (held_out - mean) / scale
    trainer.run(held_out)
    fake = trainer.sample(1500)
    spread = cdist((fake * scale + mean).numpy(), CENTRES).min(1)
    print(f"final energy distance {energy(fake, held_out):.4f}, samples near a feeder {(spread < 0.5).mean():.3f}")
