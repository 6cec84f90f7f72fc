# bug: five generator steps for each of the discriminator: modes collapse
# expects: TRN054 TRN051
# GAN for synthetic gaze fixations: 8 targets on a ring, as in the calibration task
import math, torch
from torch import nn, optim
import torch.nn.functional as F

torch.manual_seed(1)
K, R, S = 8, 2.0, 0.08
B, NZ, NH, ITERS = 128, 8, 64, 2400
K_D, K_G = 1, 5
LR_D, LR_G = 1e-3, 1e-3
GAMMA = 0.1

ang = torch.arange(K) * 2 * math.pi / K
centres = R * torch.stack([ang.cos(), ang.sin()], 1)
fixations = centres[torch.randint(K, (20000,))] + S * torch.randn(20000, 2)
scale = fixations.std(0)
fixations = fixations / scale


def mlp(i, o, act):
    return nn.Sequential(nn.Linear(i, NH), act(), nn.Linear(NH, NH), act(), nn.Linear(NH, NH), act(), nn.Linear(NH, o))


G, D = mlp(NZ, 2, nn.ReLU), mlp(2, 1, lambda: nn.LeakyReLU(0.2))
oG = optim.Adam(G.parameters(), lr=LR_G, betas=(0.5, 0.99))
oD = optim.Adam(D.parameters(), lr=LR_D, betas=(0.5, 0.99))
real = lambda: fixations[torch.randint(len(fixations), (B,))]
fake = lambda n=B: G(torch.randn(n, NZ))


def r1(x):
    x = x.clone().requires_grad_(True)
    g, = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return g.pow(2).sum(1).mean()


@torch.no_grad()
def coverage(n=4000):
    x = fake(n) * scale
    d, near = torch.cdist(x, centres).min(1)
    ok = d < 4 * S
    share = torch.bincount(near[ok], minlength=K) / n
    return (share > 0.02).sum().item(), ok.float().mean().item(), share, x.std(0).mean().item()


for it in range(1, ITERS + 1):
    for _ in range(K_D):
        x, y = real(), fake().detach()
        lD = F.softplus(-D(x)).mean() + F.softplus(D(y)).mean()
        lD = lD + 0.5 * GAMMA * r1(x)
        oD.zero_grad(); lD.backward(); oD.step()
    for _ in range(K_G):
        lG = F.softplus(-D(fake())).mean()
        oG.zero_grad(); lG.backward(); oG.step()
    if it % 200 == 0:
        m, q, _, spread = coverage()
        print(f"{it:5d}  D {lD.item():.3f}  G {lG.item():.3f}  targets {m}/{K}  on target {q:.3f}  spread {spread:.2f}")

m, q, share, spread = coverage(20000)
print(f"targets covered {m}/{K}, share on target {q:.3f}, spread {spread:.2f} (data {scale.mean():.2f})")
print("share per target:", " ".join(f"{s:.3f}" for s in share.tolist()))
