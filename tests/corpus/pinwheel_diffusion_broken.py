# bug: update_average uses mul instead of mul_, so the update lands in a temporary and samples come from the untrained average
# expects: MOD051
import copy
import math

import torch
from torch import nn
from scipy.spatial.distance import cdist

STEPS = 60
ITERATIONS = 6000
BATCH = 256


def pinwheel(n, gen, arms=5):
    arm = torch.randint(arms, (n,), generator=gen)
    r = 1.0 + 0.3 * torch.randn(n, generator=gen)
    side = 0.07 * torch.randn(n, generator=gen)
    angle = 2 * math.pi * arm / arms + 0.9 * r.exp() / 3
    x = r * angle.cos() - side * angle.sin()
    y = r * angle.sin() + side * angle.cos()
    return torch.stack([x, y], 1)


class Denoiser(nn.Module):
    def __init__(self, width=96, freqs=8):
        super().__init__()
        self.register_buffer("freqs", 2.0 ** torch.arange(freqs) * math.pi / 4)
        self.net = nn.Sequential(
            nn.Linear(2 + 2 * freqs, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 2),
        )

    def forward(self, x, t):
        phase = (t.float() / STEPS)[:, None] * self.freqs
        return self.net(torch.cat([x, phase.sin(), phase.cos()], 1))


class Schedule:
    def __init__(self):
        s = torch.arange(STEPS + 1) / STEPS
        abar = torch.cos((s + 0.008) / 1.008 * math.pi / 2) ** 2
        self.beta = (1 - abar[1:] / abar[:-1]).clamp(max=0.95)
        self.alpha = 1 - self.beta
        self.abar = self.alpha.cumprod(0)

    def noise(self, x0, t, eps):
        a = self.abar[t][:, None]
        return a.sqrt() * x0 + (1 - a).sqrt() * eps


@torch.no_grad()
def update_average(avg, model, decay):
    for a, p in zip(avg.parameters(), model.parameters()):
        a.mul(decay).add_(p, alpha=1 - decay)


@torch.no_grad()
def sample(model, sched, n, gen):
    x = torch.randn(n, 2, generator=gen)
    for t in reversed(range(STEPS)):
        eps = model(x, torch.full((n,), t))
        x = (x - sched.beta[t] / (1 - sched.abar[t]).sqrt() * eps) / sched.alpha[t].sqrt()
        if t > 0:
            x = x + sched.beta[t].sqrt() * torch.randn(n, 2, generator=gen)
    return x


def energy_distance(a, b):
    return 2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()


def main():
    torch.manual_seed(4)
    gen = torch.Generator().manual_seed(4)
    data = pinwheel(20_000, gen)
    mean, std = data.mean(0), data.std(0)
    data = (data - mean) / std
    held_out = (pinwheel(2_000, gen) - mean) / std

    sched = Schedule()
    model = Denoiser()
    average = copy.deepcopy(model).requires_grad_(False)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.99))
    decay_lr = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, ITERATIONS)
    recent = 0.0
    for it in range(1, ITERATIONS + 1):
        x0 = data[torch.randint(len(data), (BATCH,))]
        t = torch.randint(STEPS, (BATCH,))
        eps = torch.randn_like(x0)
        loss = (model(sched.noise(x0, t, eps), t) - eps).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        decay_lr.step()
        update_average(average, model, 0.995)
        recent += loss.item()
        if it % 1000 == 0:
            print(f"iter {it} noise mse {recent / 1000:.4f}")
            recent = 0.0
    drawn = sample(average, sched, 2_000, gen)
    print(f"energy distance to held-out points {energy_distance(drawn.numpy(), held_out.numpy()):.5f}")


if __name__ == "__main__":
    main()
