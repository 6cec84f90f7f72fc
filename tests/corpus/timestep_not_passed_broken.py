# bug: the denoiser is always given timestep 0 in training, although the noise level is drawn at random
# expects: MOD050 MOD041 MOD010
import torch
import torch.nn as nn

torch.manual_seed(0)
T = 50
betas = torch.linspace(1e-3, 0.2, T)
alphas = 1 - betas
abar = torch.cumprod(alphas, 0)


def ring_data(n):
    """Five blobs on a circle."""
    k = torch.randint(0, 5, (n,))
    ang = k * (2 * torch.pi / 5)
    return torch.stack([ang.cos(), ang.sin()], 1) * 1.4 + 0.12 * torch.randn(n, 2)


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.register_buffer("freq", 2.0 ** torch.arange(5) * 0.5 * torch.pi / T)
        self.net = nn.Sequential(
            nn.Linear(2 + 10, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 2),
        )

    def forward(self, x, t):
        a = t[:, None] * self.freq
        return self.net(torch.cat([x, a.sin(), a.cos()], dim=1))


model = Denoiser()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 1200)
data = ring_data(6000)

smooth = None
for step in range(1200):
    x0 = data[torch.randint(0, len(data), (256,))]
    t = torch.randint(0, T, (256,))
    eps = torch.randn_like(x0)
    a = abar[t].unsqueeze(1)
    xt = a.sqrt() * x0 + (1 - a).sqrt() * eps
    pred = model(xt, torch.zeros_like(t))
    loss = (pred - eps).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
    if (step + 1) % 200 == 0:
        print(f"{step + 1:5d} loss {smooth:.4f}")

model.eval()
with torch.no_grad():
    x = torch.randn(1000, 2)
    for i in reversed(range(T)):
        ti = torch.full((1000,), i)
        e = model(x, ti)
        x = (x - betas[i] / (1 - abar[i]).sqrt() * e) / alphas[i].sqrt()
        if i > 0:
            var = betas[i] * (1 - abar[i - 1]) / (1 - abar[i])
            x = x + var.sqrt() * torch.randn_like(x)
    ang = torch.arange(5) * (2 * torch.pi / 5)
    centres = torch.stack([ang.cos(), ang.sin()], 1) * 1.4
    dist = torch.cdist(x, centres).min(1).values
print(f"samples within 0.4 of a mode: {(dist < 0.4).float().mean():.3f}, mean distance {dist.mean():.3f}")
