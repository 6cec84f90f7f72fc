# expects: MOD029
"""Activity recognition from wrist accelerometer windows (simulated), plain deep MLP on raw samples."""

from dataclasses import dataclass, field

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

ACTIVITIES = ["still", "walk", "run", "stairs", "cycle", "wave"]


@dataclass
class Settings:
    window: int = 40
    width: int = 192
    depth: int = 8
    lr: float = 1e-3
    epochs: int = 8
    batch: int = 100
    seed: int = 1234
    betas: tuple = field(default=(0.9, 0.99))


def simulate(n, window):
    label = torch.randint(0, len(ACTIVITIES), (n,))
    t = torch.arange(window) / 20.0
    freq = torch.tensor([0.0, 1.6, 2.7, 1.3, 1.0, 2.1])[label] * (1 + 0.06 * torch.randn(n))
    amp = torch.tensor(
        [[0.05, 0.05, 0.05], [0.4, 0.3, 0.8], [0.9, 0.5, 1.6], [0.5, 0.3, 1.0], [0.5, 0.6, 0.1], [1.2, 0.7, 0.3]]
    )[label]
    amp = amp * (1 + 0.25 * torch.randn(n, 3))
    phase = 6.28 * torch.rand(n, 1)
    lag = torch.tensor([0.0, 1.2, 0.4])
    wave = torch.sin(6.2832 * freq[:, None, None] * t + phase[:, None] + lag[None, :, None])
    gravity = nn.functional.normalize(torch.tensor([0.2, 0.3, 0.9]) + 0.2 * torch.randn(n, 3), dim=1)
    x = gravity[:, :, None] + amp[:, :, None] * wave + 0.15 * torch.randn(n, 3, window)
    return x.flatten(1), label


def build(cfg):
    sizes = [3 * cfg.window] + [cfg.width] * cfg.depth
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    layers.append(nn.Linear(cfg.width, len(ACTIVITIES)))
    return nn.Sequential(*layers)


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, std=0.5)
        nn.init.zeros_(m.bias)


@torch.inference_mode()
def score(net, loader):
    net.eval()
    hit = tot = loss = 0.0
    for x, y in loader:
        z = net(x)
        loss += nn.functional.cross_entropy(z, y, reduction="sum").item()
        hit += (z.argmax(-1) == y).sum().item()
        tot += y.numel()
    net.train()
    return loss / tot, hit / tot


def main():
    cfg = Settings()
    torch.manual_seed(cfg.seed)
    data = TensorDataset(*simulate(6000, cfg.window))
    fit, val = random_split(data, [5000, 1000])
    fit_dl = DataLoader(fit, cfg.batch, shuffle=True)
    val_dl = DataLoader(val, 500)
    net = build(cfg)
    net.apply(init_weights)
    opt = torch.optim.Adam(net.parameters(), lr=cfg.lr, betas=cfg.betas)
    for epoch in range(1, cfg.epochs + 1):
        total = 0.0
        for x, y in fit_dl:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        vl, va = score(net, val_dl)
        print(f"{epoch:2d}: train loss {total / len(fit_dl):.4g} | val loss {vl:.4g} | val accuracy {va:.3f}")


if __name__ == "__main__":
    main()
