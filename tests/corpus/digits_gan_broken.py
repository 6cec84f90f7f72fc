# bug: generator ends in Sigmoid (0..1) although the real data are scaled to [-1, 1] (generator definition)
# expects: no-rule-yet
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)

# 8x8 digits, pixels scaled to [-1, 1]
pixels = load_digits().data.astype(np.float32)
real = torch.from_numpy(pixels / 8.0 - 1.0)

Z = 16
generator = nn.Sequential(
    nn.Linear(Z, 128), nn.BatchNorm1d(128), nn.ReLU(),
    nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU(),
    nn.Linear(128, 64), nn.Sigmoid(),
)
discriminator = nn.Sequential(
    nn.Linear(64, 128), nn.LeakyReLU(0.2),
    nn.Linear(128, 48), nn.LeakyReLU(0.2),
    nn.Linear(48, 1),
)
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()


def distance_to_real(n=500):
    """Distance between the mean/covariance of generated and real pixels."""
    generator.eval()
    with torch.no_grad():
        fake = generator(torch.randn(n, Z))
    generator.train()
    mean_gap = (fake.mean(0) - real.mean(0)).norm()
    cov_gap = (torch.cov(fake.T) - torch.cov(real.T)).norm()
    return (mean_gap + cov_gap).item()


batch = 64
steps = 900
print(f"step    0 distance {distance_to_real():.3f}")
for step in range(1, steps + 1):
    x = real[torch.randint(0, len(real), (batch,))]

    fake = generator(torch.randn(batch, Z))
    d_loss = bce(discriminator(x), torch.full((batch, 1), 0.9)) \
        + bce(discriminator(fake.detach()), torch.zeros(batch, 1))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    fake = generator(torch.randn(batch, Z))
    g_loss = bce(discriminator(fake), torch.ones(batch, 1))
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()

    if step % 100 == 0:
        print(f"step {step:4d} d_loss {d_loss.item():.3f} g_loss {g_loss.item():.3f} "
              f"distance {distance_to_real():.3f}")
