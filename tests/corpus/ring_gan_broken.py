# bug: the generator's learning rate is ten times the discriminator's: it jumps between clusters and reaches 2 of 8 (Opt.lr_g)
# expects: TRN054
"""GAN on eight sensor clusters placed on a circle; counts which clusters the generator reaches."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Opt:
    seed = 2
    modes, radius, spread = 8, 2.0, 0.08
    z_dim, width = 8, 96
    batch, rounds = 256, 2200
    lr_g, lr_d, betas = 1e-2, 1e-3, (0.5, 0.9)
    r1 = 0.1


angles = torch.arange(Opt.modes) * (2 * math.pi / Opt.modes)
CENTERS = Opt.radius * torch.stack([angles.cos(), angles.sin()], 1)


def real_batch(n):
    c = CENTERS[torch.randint(Opt.modes, (n,))]
    return c + Opt.spread * torch.randn(n, 2)


def mlp(i, o, w, act):
    return nn.Sequential(nn.Linear(i, w), act(), nn.Linear(w, w), act(), nn.Linear(w, o))


def d_update(G, D, opt):
    real = real_batch(Opt.batch).requires_grad_()
    with torch.no_grad():
        fake = G(torch.randn(Opt.batch, Opt.z_dim))
    dr, df = D(real), D(fake)
    grad, = torch.autograd.grad(dr.sum(), real, create_graph=True)
    loss = F.softplus(-dr).mean() + F.softplus(df).mean()
    total = loss + 0.5 * Opt.r1 * grad.pow(2).sum(1).mean()
    opt.zero_grad()
    total.backward()
    opt.step()
    return loss.item()


def g_update(G, D, opt):
    z = torch.randn(Opt.batch, Opt.z_dim)
    loss = F.softplus(-D(G(z))).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss.item()


@torch.no_grad()
def coverage(G, n=2000):
    x = G(torch.randn(n, Opt.z_dim))
    dist, which = torch.cdist(x, CENTERS).min(1)
    good = dist < 4 * Opt.spread
    counts = torch.bincount(which[good], minlength=Opt.modes)
    return (counts > n // 100).sum().item(), good.float().mean().item(), x.std(0).mean().item(), counts.tolist()


def main():
    torch.manual_seed(Opt.seed)
    G = mlp(Opt.z_dim, 2, Opt.width, nn.ReLU)
    D = mlp(2, 1, Opt.width, lambda: nn.LeakyReLU(0.2))
    og = torch.optim.Adam(G.parameters(), lr=Opt.lr_g, betas=Opt.betas)
    od = torch.optim.Adam(D.parameters(), lr=Opt.lr_d, betas=Opt.betas)
    sg, sd = (torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, Opt.rounds) for o in (og, od))
    for r in range(1, Opt.rounds + 1):
        d_loss = d_update(G, D, od)
        g_loss = g_update(G, D, og)
        sg.step()
        sd.step()
        if r % 250 == 0:
            modes, good, width, _ = coverage(G)
            print(f"round {r:5d}  D {d_loss:.3f}  G {g_loss:.3f}  clusters {modes}/{Opt.modes}  on target {good:.2f}  width {width:.2f}")
    modes, good, width, counts = coverage(G, 4000)
    print(f"clusters reached {modes}/{Opt.modes}, on target {good:.3f}, width {width:.2f}, counts {counts}")


if __name__ == "__main__":
    main()
