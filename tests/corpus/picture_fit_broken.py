# bug: Some layers live in a plain Python list (or dict), so they are neither registered nor trained.
# expects: MOD001
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    size: int = 48
    width: int = 64
    depth: int = 4
    n_freq: int = 5
    steps: int = 1200
    batch: int = 512
    lr: float = 2e-3
    seed: int = 0


def target_picture(xy):
    """A little RGB landscape on [-1, 1]^2: sky gradient, sun, hills, ripples."""
    x, y = xy[:, 0], xy[:, 1]
    sky = torch.stack([0.3 + 0.3 * y, 0.5 + 0.3 * y, 0.9 - 0.1 * y], 1)
    sun = torch.sigmoid(30 * (0.25 - ((x - 0.4) ** 2 + (y - 0.5) ** 2).sqrt()))[:, None]
    img = sky * (1 - sun) + sun * torch.tensor([1.0, 0.85, 0.2])
    ridge = 0.25 * torch.sin(4 * x) + 0.1 * torch.sin(11 * x + 1) - 0.1
    hill = torch.sigmoid(40 * (ridge - y))[:, None]
    green = torch.stack([0.15 + 0 * x, 0.45 + 0.15 * torch.sin(14 * (x + y)), 0.15 + 0.1 * torch.cos(9 * x)], 1)
    return img * (1 - hill) + green * hill


class CoordinateMLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.register_buffer("freqs", 2.0 ** torch.arange(cfg.n_freq) * math.pi / 2)
        self.inp = nn.Linear(2 + 4 * cfg.n_freq, cfg.width)
        self.hidden = [nn.Linear(cfg.width, cfg.width) for _ in range(cfg.depth)]
        self.rgb = nn.Linear(cfg.width, 3)

    def encode(self, xy):
        ang = xy[:, :, None] * self.freqs
        return torch.cat([xy, ang.sin().flatten(1), ang.cos().flatten(1)], 1)

    def forward(self, xy):
        h = F.relu(self.inp(self.encode(xy)))
        for layer in self.hidden:
            h = F.relu(layer(h))
        return torch.sigmoid(self.rgb(h))


def psnr(a, b):
    return -10 * torch.log10(F.mse_loss(a, b)).item()


def run(cfg=Config()):
    torch.manual_seed(cfg.seed)
    lin = torch.linspace(-1, 1, cfg.size)
    grid = torch.cartesian_prod(lin, lin)
    held_out = torch.rand(2000, 2) * 2 - 1                # points between the pixels
    pixels, held_rgb = target_picture(grid), target_picture(held_out)

    net = CoordinateMLP(cfg)
    print("trainable parameters:", sum(p.numel() for p in net.parameters() if p.requires_grad))
    opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.steps, eta_min=1e-5)
    for step in range(1, cfg.steps + 1):
        pick = torch.randint(len(grid), (cfg.batch,))
        loss = F.mse_loss(net(grid[pick]), pixels[pick])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
        if step % 200 == 0:
            with torch.no_grad():
                print(f"step {step:5d}  mse {loss.item():.5f}  psnr pixels {psnr(net(grid), pixels):.2f} dB"
                      f"  between {psnr(net(held_out), held_rgb):.2f} dB")


run()
