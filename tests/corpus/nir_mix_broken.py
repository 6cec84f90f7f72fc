# bug: a sum of squares beside a mean of classes
# expects: LOS021
"""Near-infrared spectra: tell the grain variety and, through a decoder, keep a denoised version of the spectrum.

Shared encoder, two heads, one optimiser.
"""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BANDS, VARIETIES = 120, 5
HP = {"bottleneck": 6, "width": 96, "lr": 1.5e-3, "batch": 64, "epochs": 20, "seed": 13}


def peak(center, width):
    return np.exp(-0.5 * ((np.arange(BANDS) - center) / width) ** 2)


def spectra(n, rng):
    moisture, scatter, slope, oil, starch = rng.normal(size=(5, n, 1))
    y = rng.integers(0, VARIETIES, n)
    x = 1.2 * moisture * peak(70, 14) + 0.9 * scatter + 0.8 * slope * np.linspace(-1, 1, BANDS)
    x = x + 1.0 * oil * peak(25, 9) + 0.9 * starch * peak(100, 8) + 0.6 * rng.normal(size=(n, 1)) * peak(48, 7)
    x = x + 0.5 * rng.normal(size=(n, 1)) * peak(85, 5)
    marker = np.stack([peak(34 + 7 * c, 2.0) for c in range(VARIETIES)])
    x = x + 0.35 * marker[y]
    noisy = x + 0.08 * rng.normal(size=x.shape)
    return (torch.tensor(noisy, dtype=torch.float32), torch.tensor(x, dtype=torch.float32), torch.tensor(y))


class GrainNet(nn.Module):
    def __init__(self, hp):
        super().__init__()
        w, z = hp["width"], hp["bottleneck"]
        self.encoder = nn.Sequential(nn.Linear(BANDS, w), nn.GELU(), nn.Linear(w, w), nn.GELU(), nn.Linear(w, z))
        self.decoder = nn.Sequential(nn.Linear(z, w), nn.GELU(), nn.Linear(w, BANDS))
        self.variety = nn.Linear(z, VARIETIES)

    def forward(self, x):
        z = self.encoder(x)
        return self.decoder(z), self.variety(z)


def losses(net, noisy, clean, y):
    rec, logits = net(noisy)
    rec_loss = F.mse_loss(rec, clean, reduction="sum")
    cls_loss = F.cross_entropy(logits, y)
    return rec_loss, cls_loss, logits


def evaluate(net, data):
    net.eval()
    with torch.no_grad():
        noisy, clean, y = data
        rec, logits = net(noisy)
        rmse = F.mse_loss(rec, clean).sqrt().item()
        return rmse, F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def train(hp):
    torch.manual_seed(hp["seed"])
    rng = np.random.default_rng(hp["seed"])
    fit, hold = spectra(6000, rng), spectra(1500, rng)
    mean, std = fit[0].mean(0), fit[0].std(0)
    fit, hold = [((a - mean) / std, (b - mean) / std, y) for a, b, y in (fit, hold)]
    net = GrainNet(hp)
    opt = torch.optim.Adam(net.parameters(), lr=hp["lr"])
    steps = hp["epochs"] * math.ceil(len(fit[2]) / hp["batch"])
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 2 * hp["lr"], total_steps=steps)
    for epoch in range(1, hp["epochs"] + 1):
        net.train()
        sums = np.zeros(2)
        for idx in torch.randperm(len(fit[2])).split(hp["batch"]):
            rec_loss, cls_loss, _ = losses(net, *(a[idx] for a in fit))
            loss = rec_loss + cls_loss
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            sums += np.array([rec_loss.item(), cls_loss.item()]) * len(idx)
        if epoch % 2 == 0:
            rmse, ce, acc = evaluate(net, hold)
            r, c = sums / len(fit[2])
            print(f"{epoch:3d}  rec {r:.4f}  cls {c:.4f}  |  hold-out rmse {rmse:.4f}  ce {ce:.4f}  accuracy {acc:.3f}")


if __name__ == "__main__":
    train(HP)
