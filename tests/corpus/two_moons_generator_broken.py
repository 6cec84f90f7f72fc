# bug: One set of parameters is held by two optimizers that both step.
# expects: OPT021
"""Small GAN that learns to draw the two-moons point cloud."""
import torch
import torch.nn.functional as F
from sklearn.datasets import make_moons
from torch import nn, optim

torch.manual_seed(0)
LATENT, BATCH, ITERS = 4, 128, 1500


def mlp(*sizes, act=nn.LeakyReLU):
    mods = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        mods.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            mods.append(act(0.2))
    return nn.Sequential(*mods)


class MoonGAN(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = mlp(LATENT, 64, 64, 2)
        self.critic = mlp(2, 96, 96, 1)

    def sample(self, n):
        return self.generator(torch.randn(n, LATENT))


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def load():
    pts, _ = make_moons(6000, noise=0.06, random_state=0)
    pts = torch.tensor(pts, dtype=torch.float32)
    pts = (pts - pts.mean(0)) / pts.std(0)
    return pts[:5000], pts[5000:]


data, held_out = load()
gan = MoonGAN()
opt_d = optim.Adam(gan.critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_g = optim.Adam(gan.parameters(), lr=1e-3, betas=(0.5, 0.9))

d_sum = g_sum = 0.0
for it in range(1, ITERS + 1):
    real = data[torch.randint(len(data), (BATCH,))]

    # critic: tell real points from drawn ones
    fake = gan.sample(BATCH).detach()
    s_real, s_fake = gan.critic(real), gan.critic(fake)
    d_loss = F.softplus(-s_real).mean() + F.softplus(s_fake).mean()
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    # generator: make the critic say "real"
    g_loss = F.softplus(-gan.critic(gan.sample(BATCH))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()

    d_sum += d_loss.item()
    g_sum += g_loss.item()
    if it % 250 == 0:
        with torch.no_grad():
            dist = energy_distance(gan.sample(1000), held_out)
        print(f"iter {it:5d}  d_loss {d_sum / 250:.3f}  g_loss {g_sum / 250:.3f}  energy distance {dist:.4f}")
        d_sum = g_sum = 0.0
