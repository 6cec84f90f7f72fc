# sound: Wasserstein GAN with weight clipping, five critic steps per generator step
# WGAN on a one-dimensional mixture
import torch
import torch.nn as nn

torch.manual_seed(2)

LATENT = 3
N_CRITIC = 5
CLIP = 0.1
ITERATIONS = 400
BATCH = 64


def real_batch(n):
    centre = torch.where(torch.rand(n, 1) < 0.3, -1.0, 2.0)
    return centre + 0.2 * torch.randn(n, 1)


def net(n_in, n_out=1, width=32):
    return nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_out))


generator = net(LATENT)
critic = net(1)
opt_G = torch.optim.RMSprop(generator.parameters(), lr=1e-3)
opt_C = torch.optim.RMSprop(critic.parameters(), lr=2e-3)


def wasserstein_1d(a, b):
    return (a.flatten().sort().values - b.flatten().sort().values).abs().mean().item()


for it in range(1, ITERATIONS + 1):
    for _ in range(N_CRITIC):
        real = real_batch(BATCH)
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, LATENT))
        critic_loss = critic(fake).mean() - critic(real).mean()
        opt_C.zero_grad()
        critic_loss.backward()
        opt_C.step()
        with torch.no_grad():
            for p in critic.parameters():
                p.clamp_(-CLIP, CLIP)

    gen_loss = -critic(generator(torch.randn(BATCH, LATENT))).mean()
    opt_G.zero_grad()
    gen_loss.backward()
    opt_G.step()

    if it % 80 == 0:
        with torch.no_grad():
            samples = generator(torch.randn(1000, LATENT))
        print(f"[{it}/{ITERATIONS}] critic {critic_loss.item():+.4f} generator {gen_loss.item():+.4f} "
              f"W1 {wasserstein_1d(samples, real_batch(1000)):.3f}")
