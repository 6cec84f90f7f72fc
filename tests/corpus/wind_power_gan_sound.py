# expects: nothing
# GAN for joint (wind speed, direction, power, gust) records of one turbine.
import math
import torch
from torch import nn
from torch.optim import Adam

torch.manual_seed(21)
LATENT = 8
BATCH = 256
STEPS = 3000


def turbine_records(n):
    comp = torch.rand(n) < 0.4
    speed = torch.where(comp, 5.5 + 1.2 * torch.randn(n), 11 + 2.0 * torch.randn(n)).clamp(0.2, 25)
    direction = torch.where(comp, 0.9 + 0.35 * torch.randn(n), 3.6 + 0.5 * torch.randn(n))
    power = torch.sigmoid((speed - 8.5) / 1.4) + 0.03 * torch.randn(n)
    gust = speed * (1.2 + 0.1 * torch.rand(n)) + 0.3 * torch.randn(n)
    return torch.stack([speed, direction.cos(), direction.sin(), power, gust], dim=1)


def mlp(n_in, n_out, width, act):
    return nn.Sequential(
        nn.Linear(n_in, width), act(),
        nn.Linear(width, width), act(),
        nn.Linear(width, n_out),
    )


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


train, held_out = turbine_records(12000), turbine_records(2500)
mean, std = train.mean(0), train.std(0)
train, held_out = (train - mean) / std, (held_out - mean) / std

G = mlp(LATENT, 5, 96, nn.ReLU)
D = mlp(5, 1, 96, lambda: nn.LeakyReLU(0.2))
opt_g = Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.99))
opt_d = Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.99))
decay = lambda s: 0.5 * (1 + math.cos(math.pi * s / STEPS))
scheds = [torch.optim.lr_scheduler.LambdaLR(o, decay) for o in (opt_g, opt_d)]
bce = nn.BCEWithLogitsLoss()
targets = torch.cat([torch.ones(BATCH, 1), torch.zeros(BATCH, 1)])

d_avg = g_avg = 0.0
for step in range(1, STEPS + 1):
    real = train[torch.randint(len(train), (BATCH,))]
    fake = G(torch.randn(BATCH, LATENT)).detach()

    mixed = torch.cat([real, fake])
    perm = torch.randperm(len(mixed))
    d_loss = bce(D(mixed[perm]), targets[perm])
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = bce(D(G(torch.randn(BATCH, LATENT))), targets[:BATCH])
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    for s in scheds:
        s.step()

    d_avg += d_loss.item() / 300
    g_avg += g_loss.item() / 300
    if step % 300 == 0:
        with torch.no_grad():
            made = G(torch.randn(2500, LATENT))
        print(f"{step:5d}  D {d_avg:.3f}  G {g_avg:.3f}  energy distance {energy_distance(made, held_out):.4f}")
        d_avg = g_avg = 0.0

floor = energy_distance((turbine_records(2500) - mean) / std, held_out)
print(f"(fresh real records against held-out: {floor:.4f})")
