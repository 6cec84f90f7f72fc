# bug: Adam with eps=1.0: the update is a hundred times smaller than the learning rate suggests
# expects: OPT023
import math

import numpy as np
import torch
import torch.nn as nn
from torch.optim import Adam


class Siren(nn.Module):
    """Coordinates -> intensity of a small picture."""

    def __init__(self, bands=5, width=64):
        super().__init__()
        self.register_buffer("bands", 2.0 ** torch.arange(bands) * math.pi / 2)
        self.net = nn.Sequential(nn.Linear(4 * bands, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, xy):
        ang = (xy.unsqueeze(-1) * self.bands).flatten(1)
        return self.net(torch.cat([ang.sin(), ang.cos()], dim=1))


def target_picture(n):
    """Rings around two centres, values about -1 to 1."""
    u = np.linspace(-1, 1, n)
    X, Y = np.meshgrid(u, u)
    z = np.cos(6 * np.hypot(X - 0.4, Y)) + np.cos(5 * np.hypot(X + 0.5, Y - 0.3))
    xy = np.stack([X, Y], -1).reshape(-1, 2)
    return torch.tensor(xy, dtype=torch.float32), torch.tensor(z.reshape(-1, 1) / 2, dtype=torch.float32)


def psnr(a, b):
    return -10 * math.log10(((a - b) ** 2).mean().item() / 4)


if __name__ == "__main__":
    torch.manual_seed(100)
    xy, z = target_picture(40)
    shuffled = torch.randperm(len(xy))
    fit, hold = shuffled[:1280], shuffled[1280:]
    net = Siren()
    adam = Adam(net.parameters(), lr=2e-3, eps=1.0)
    for it in range(400):
        rows = fit[torch.randint(0, len(fit), (160,))]
        mse = ((net(xy[rows]) - z[rows]) ** 2).mean()
        adam.zero_grad()
        mse.backward()
        adam.step()
        if it % 80 == 79:
            net.eval()
            with torch.no_grad():
                print(f"it {it + 1:4d}  mse {mse.item():.5f}  held-out PSNR {psnr(net(xy[hold]), z[hold]):.2f} dB")
            net.train()
