# bug: discriminator batch is [fake, real] but its targets are [ones, zeros]: real and generated are labelled the wrong way round while G still aims at ones
# expects: TRN052
import numpy as np
import torch
from torch import nn, optim

torch.manual_seed(21)
np.random.seed(21)

T = 24


def daily_profiles(n):
    """24-hour water levels: four regimes with random height and lag."""
    t = np.arange(T) / T
    kind = np.random.choice(4, size=n, p=[0.3, 0.25, 0.25, 0.2])
    lag = np.random.normal(0, 0.04, size=(n, 1))
    amp = np.random.uniform(0.6, 1.0, size=(n, 1))
    waves = np.stack([
        np.sin(4 * np.pi * (t + lag)),
        np.cos(2 * np.pi * (t + lag)),
        -np.sin(4 * np.pi * (t + lag)) * 0.8 + 0.3,
        0.5 * np.sin(2 * np.pi * (t + lag)) - 0.4,
    ], axis=0)
    x = amp * waves[kind, np.arange(n)] + np.random.normal(0, 0.1, size=(n, T))
    return torch.tensor(x, dtype=torch.float32)


train, holdout = daily_profiles(8000), daily_profiles(2000)

Z = 16
G = nn.Sequential(nn.Linear(Z, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, T))
D = nn.Sequential(nn.Linear(T, 128), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
bce = nn.BCEWithLogitsLoss()
g_opt = optim.Adam(G.parameters(), lr=4e-4, betas=(0.5, 0.99))
d_opt = optim.Adam(D.parameters(), lr=3e-4, betas=(0.5, 0.99))


@torch.no_grad()
def energy_distance(a, b):
    within = lambda u: torch.cdist(u, u).sum() / (len(u) * (len(u) - 1))
    return (2 * torch.cdist(a, b).mean() - within(a) - within(b)).item()


@torch.no_grad()
def generate(n):
    G.eval()
    out = G(torch.randn(n, Z))
    G.train()
    return out


batch = 128
step, max_steps = 0, 2400
while step < max_steps:
    for idx in torch.randperm(len(train)).split(batch):
        real = train[idx]
        n = len(real)
        fake = G(torch.randn(n, Z))

        both = torch.cat([fake.detach(), real])
        target = torch.cat([torch.ones(n, 1), torch.zeros(n, 1)])
        d_loss = bce(D(both), target)
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()

        g_loss = bce(D(fake), torch.ones(n, 1))
        g_opt.zero_grad()
        g_loss.backward()
        g_opt.step()

        step += 1
        if step % 300 == 0:
            print(f"step {step:5d}  D {d_loss.item():.3f}  G {g_loss.item():.3f}")
        if step == max_steps:
            break

print(f"energy distance to held-out days: {energy_distance(generate(2000), holdout):.4f}")
print(f"floor (training days vs held-out): {energy_distance(train[:2000], holdout):.4f}")
