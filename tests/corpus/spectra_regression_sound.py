# sound: the same program without that
"""Concentrations of three substances from (simulated) spectra with a residual MLP."""
import argparse
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def spectra(n, gen, channels=80):
    grid = torch.linspace(0, 1, channels)
    conc = 1.0 + 2.0 * torch.rand(n, 3, generator=gen)
    x = torch.zeros(n, channels)
    for k, (c, w) in enumerate([(0.25, 0.08), (0.45, 0.11), (0.7, 0.06)]):
        shift = 0.02 * torch.randn(n, 1, generator=gen)
        x += torch.tanh(0.8 * conc[:, k:k + 1]) * torch.exp(-((grid - c - shift) / w) ** 2)
    baseline = torch.rand(n, 1, generator=gen) + 0.5 * torch.randn(n, 1, generator=gen) * grid
    x = x + baseline + 0.01 * torch.randn(n, channels, generator=gen)
    return (x - x.mean(0)) / x.std(0), conc


class Residual(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.up = nn.Linear(d, 2 * d)
        self.down = nn.Linear(2 * d, d)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


class SpectrumNet(nn.Module):
    def __init__(self, channels=80, d=48, blocks=2):
        super().__init__()
        self.stem = nn.Linear(channels, d)
        self.blocks = nn.Sequential(*[Residual(d) for _ in range(blocks)])
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, 3)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x))))


def build_optimizer(model, args):
    decay = [p for p in model.parameters() if p.ndim >= 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decay, "weight_decay": args.wd}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=args.lr)


def epoch_loss(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total = count = 0
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(x)
            count += len(x)
    return total / count


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--wd", type=float, default=3.0)
    p.add_argument("--epochs", type=int, default=30)
    args = p.parse_args()
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    x, y = spectra(3000, gen)
    tr, va = random_split(TensorDataset(x, y), [2400, 600], generator=gen)
    train, val = DataLoader(tr, 64, shuffle=True), DataLoader(va, 300)
    model = SpectrumNet()
    opt = build_optimizer(model, args)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, args.lr, total_steps=args.epochs, pct_start=0.2)
    var = y.var(0).mean().item()
    for e in range(args.epochs):
        a = epoch_loss(model, train, opt)
        b = epoch_loss(model, val)
        sched.step()
        if e % 5 == 0 or e == args.epochs - 1:
            print(f"epoch {e:2d}  train {a:.4f}  val {b:.4f}  R2 {1 - b / var:.3f}")
