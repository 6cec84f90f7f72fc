# sound
import math

import torch
from torch import nn

torch.manual_seed(0)
T = 50
betas = torch.linspace(1e-3, 0.2, T)
alpha_bar = torch.cumprod(1.0 - betas, dim=0)


def sample_data(n, generator=None):
    """Eight Gaussians on a circle, about unit variance."""
    k = torch.randint(0, 8, (n,), generator=generator)
    ang = k.float() * (2 * math.pi / 8)
    centers = 1.4 * torch.stack([ang.cos(), ang.sin()], dim=1)
    return centers + 0.08 * torch.randn(n, 2, generator=generator)


def time_features(t):
    freqs = torch.exp(torch.linspace(0, math.log(50.0), 8))
    a = (t.float() / T).unsqueeze(1) * freqs
    return torch.cat([a.sin(), a.cos()], dim=1)


class ResidualLayer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, dim)
        self.fc2 = nn.Linear(dim, dim)

    def forward(self, x, temb):
        h = torch.nn.functional.silu(self.fc1(self.norm(x)) + temb)
        return x + self.fc2(h)


class Denoiser(nn.Module):
    def __init__(self, dim=64, depth=3):
        super().__init__()
        self.inp = nn.Linear(2, dim)
        self.temb = nn.Linear(16, dim)
        self.layers = nn.ModuleList([ResidualLayer(dim) for _ in range(depth)])
        self.out = nn.Linear(dim, 2)

    def forward(self, x, t):
        h = self.inp(x)
        temb = self.temb(time_features(t))
        for layer in self.layers:
            h = layer(h, temb)
        return self.out(h)


def noisy(x0, t):
    eps = torch.randn_like(x0)
    ab = alpha_bar[t].unsqueeze(1)
    return ab.sqrt() * x0 + (1 - ab).sqrt() * eps, eps


@torch.no_grad()
def generate(model, n):
    model.eval()
    x = torch.randn(n, 2)
    for i in reversed(range(T)):
        t = torch.full((n,), i)
        eps = model(x, t)
        x = (x - betas[i] / (1 - alpha_bar[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
        if i > 0:
            x = x + betas[i].sqrt() * torch.randn_like(x)
    return x


model = Denoiser()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
data = sample_data(4000, torch.Generator().manual_seed(1))
avg = None
for step in range(1, 1001):
    model.train()
    x0 = data[torch.randint(0, len(data), (192,))]
    t = torch.randint(0, T, (len(x0),))
    xt, eps = noisy(x0, t)
    loss = nn.functional.mse_loss(model(xt, t), eps)
    opt.zero_grad()
    loss.backward()
    opt.step()
    avg = loss.item() if avg is None else 0.98 * avg + 0.02 * loss.item()
    if step % 100 == 0:
        print(f"step {step} loss {avg:.4f}")

ang = torch.arange(8).float() * (2 * math.pi / 8)
centers = 1.4 * torch.stack([ang.cos(), ang.sin()], dim=1)
dist = torch.cdist(generate(model, 1000), centers).min(dim=1).values
print(f"mean distance of samples to nearest mode: {dist.mean():.3f}")
