# bug: the hand-written warmup/cosine writes one rate into all groups, wiping out the per-layer rates in finetune
# expects: OPT041
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Cfg:
    bands: int = 40
    classes: int = 6
    width: int = 128
    pre_steps: int = 1500
    ft_epochs: int = 60
    batch: int = 16
    lr_body: float = 1e-5
    lr_neck: float = 1e-4
    lr_head: float = 3e-2
    warmup: int = 40
    seed: int = 3


class Spectra:
    """Reflectance spectra = nonlinear mixture of a few mineral abundances."""

    def __init__(self, cfg, g):
        self.cfg = cfg
        self.mix = torch.randn(8, 64, generator=g)
        self.out = torch.randn(64, cfg.bands, generator=g) / 8
        self.rule = torch.randn(8, cfg.classes, generator=g)

    def draw(self, n, g):
        z = torch.randn(n, 8, generator=g)
        x = torch.tanh(z @ self.mix * 0.6) @ self.out + 0.35 * torch.randn(n, self.cfg.bands, generator=g)
        return x, z, (z @ self.rule).argmax(1)


class Net(nn.Module):
    def __init__(self, cfg, n_out):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(cfg.bands, cfg.width), nn.GELU(), nn.Linear(cfg.width, cfg.width), nn.GELU())
        self.neck = nn.Sequential(nn.Linear(cfg.width, 32), nn.GELU())
        self.head = nn.Linear(32, n_out)

    def forward(self, x):
        return self.head(self.neck(self.body(x)))


def pretrain(cfg, spectra, g):
    net = Net(cfg, 8)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.pre_steps)
    for step in range(1, cfg.pre_steps + 1):
        x, z, _ = spectra.draw(256, g)
        loss = nn.functional.mse_loss(net(x), z)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 300 == 0:
            print(f"[pretrain] step {step} abundance mse {loss.item():.4f}")
    return net


def finetune(cfg, net, train, test):
    net.head = nn.Linear(32, cfg.classes)
    opt = torch.optim.AdamW(
        [
            {"params": net.body.parameters(), "lr": cfg.lr_body},
            {"params": net.neck.parameters(), "lr": cfg.lr_neck},
            {"params": net.head.parameters(), "lr": cfg.lr_head},
        ],
        weight_decay=1e-2,
    )
    loader = DataLoader(TensorDataset(*train), batch_size=cfg.batch, shuffle=True)
    total, step = cfg.ft_epochs * len(loader), 0
    for epoch in range(cfg.ft_epochs):
        net.train()
        for x, y in loader:
            if step < cfg.warmup:
                factor = (step + 1) / cfg.warmup
            else:
                factor = 0.5 * (1 + math.cos(math.pi * (step - cfg.warmup) / (total - cfg.warmup)))
            for group in opt.param_groups:
                group["lr"] = cfg.lr_head * factor
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            step += 1
        if (epoch + 1) % 10 == 0:
            print(f"[finetune] epoch {epoch + 1} loss {loss.item():.4f} test acc {accuracy(net, *test):.4f}")
    return accuracy(net, *test)


@torch.no_grad()
def accuracy(net, x, y):
    net.eval()
    return (net(x).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    cfg = Cfg()
    torch.manual_seed(cfg.seed)
    g = torch.Generator().manual_seed(cfg.seed)
    spectra = Spectra(cfg, g)
    net = pretrain(cfg, spectra, g)
    xtr, _, ytr = spectra.draw(240, g)
    xte, _, yte = spectra.draw(3000, g)
    print("final test accuracy", round(finetune(cfg, net, (xtr, ytr), (xte, yte)), 4))
