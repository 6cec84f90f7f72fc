# expects: LOS045
# %% tiny DDPM on the 8x8 digits
import math
import torch
from torch import nn
from sklearn.datasets import load_digits

torch.manual_seed(0)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 8.0 - 1.0
perm = torch.randperm(len(images))
train_x, val_x = images[perm[:1500]], images[perm[1500:]]

# %% schedule
T = 100
betas = torch.linspace(1e-3, 0.08, T)
alphas = 1 - betas
abar = torch.cumprod(alphas, 0)


def q_sample(x0, t, eps):
    a = abar[t][:, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


# %% network
def time_features(t, dim=32):
    freq = torch.exp(-math.log(1000.0) * torch.arange(dim // 2) / (dim // 2))
    ang = t[:, None].float() * freq[None]
    return torch.cat([ang.sin(), ang.cos()], 1)


class Block(nn.Module):
    def __init__(self, d, dt):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.fc1 = nn.Linear(d, d)
        self.emb = nn.Linear(dt, d)
        self.fc2 = nn.Linear(d, d)

    def forward(self, h, te):
        u = nn.functional.silu(self.fc1(self.norm(h)) + self.emb(te))
        return h + self.fc2(u)


class Denoiser(nn.Module):
    def __init__(self, d=192):
        super().__init__()
        self.inp = nn.Linear(64, d)
        self.blocks = nn.ModuleList([Block(d, 32) for _ in range(3)])
        self.out = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 64))

    def forward(self, x, t):
        te = time_features(t)
        h = self.inp(x)
        for b in self.blocks:
            h = b(h, te)
        return self.out(h)


net = Denoiser()
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-4)
STEPS, BATCH = 800, 128
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, STEPS)


@torch.no_grad()
def validate():
    net.eval()
    g = torch.Generator().manual_seed(99)
    losses = []
    for _ in range(8):
        t = torch.randint(0, T, (len(val_x),), generator=g)
        eps = torch.randn(val_x.shape, generator=g)
        losses.append(nn.functional.mse_loss(net(q_sample(val_x, t, eps), t), eps))
    net.train()
    return torch.stack(losses).mean().item()


@torch.no_grad()
def sample(n):
    net.eval()
    x = torch.randn(n, 64)
    for i in reversed(range(T)):
        t = torch.full((n,), i)
        e = net(x, t)
        x = (x - betas[i] / (1 - abar[i]).sqrt() * e) / alphas[i].sqrt()
        if i > 0:
            x = x + betas[i].sqrt() * torch.randn_like(x)
    net.train()
    return x


# %% train
avg = None
noise = torch.randn(BATCH, 64)
for step in range(1, STEPS + 1):
    x0 = train_x[torch.randint(0, len(train_x), (BATCH,))]
    t = torch.randint(0, T, (BATCH,))
    loss = nn.functional.mse_loss(net(q_sample(x0, t, noise), t), noise)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    sched.step()
    avg = loss.item() if avg is None else 0.98 * avg + 0.02 * loss.item()
    if step % 200 == 0:
        print(f"step {step} train {avg:.4f} val {validate():.4f}")

# %% how near are samples to real digits?
gen = sample(300)
d_gen = torch.cdist(gen, train_x).min(1).values.mean().item()
d_val = torch.cdist(val_x, train_x).min(1).values.mean().item()
print(f"nearest-neighbour distance: samples {d_gen:.2f}, held-out digits {d_val:.2f}")
