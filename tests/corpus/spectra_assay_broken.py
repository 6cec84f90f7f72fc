# bug: numpy's float64 spectra are never cast, and net.to(x) takes the dtype along, so model, data and optimizer state all run in double precision
# expects: NUM008
"""Predict four concentrations from a simulated near-infrared spectrum."""
import time

import numpy as np
import torch
from torch import nn

CONF = dict(seed=31, bands=400, train=3000, test=800, width=512, batch=100, epochs=20, lr=8e-4)


def simulate(n, bands, rng, lib):
    conc = rng.dirichlet([1.5, 1.5, 1.5, 1.5, 3.0], n)
    axis = np.linspace(-1, 1, bands)
    spec = conc @ lib
    spec = spec + 0.3 * (conc[:, :1] * conc[:, 1:2]) * lib[2]
    scatter = rng.normal(1, 0.08, (n, 1))
    drift = rng.normal(0, 0.05, (n, 1)) * axis + rng.normal(0, 0.05, (n, 1)) * axis ** 2
    spec = spec * scatter + drift + rng.normal(0, 0.01, spec.shape)
    return spec, conc[:, :4]


def library(bands, rng):
    axis = np.linspace(0, 1, bands)
    lib = np.zeros((5, bands))
    for row in lib:
        for _ in range(6):
            c, w, h = rng.uniform(0, 1), rng.uniform(0.02, 0.1), rng.uniform(0.2, 1.0)
            row += h * np.exp(-((axis - c) / w) ** 2)
    return lib


def to_tensors(*arrays):
    return [torch.from_numpy(a) for a in arrays]


class SpectraNet(nn.Module):
    def __init__(self, bands, width, outputs):
        super().__init__()
        self.front = nn.Linear(bands, width)
        self.mid1 = nn.Linear(width, width)
        self.mid2 = nn.Linear(width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.out = nn.Linear(width, outputs)
        self.act = nn.ELU()

    def forward(self, x):
        h = self.act(self.front(x))
        h = h + self.act(self.mid1(self.norm1(h)))
        h = h + self.act(self.mid2(self.norm2(h)))
        return self.out(h)


def rmse(net, x, y, scale):
    net.eval()
    with torch.no_grad():
        err = (net(x) - y) * scale
    net.train()
    return err.pow(2).mean(0).sqrt()


def main(c):
    torch.manual_seed(c["seed"])
    torch.set_num_threads(1)
    rng = np.random.default_rng(c["seed"])
    lib = library(c["bands"], rng)
    xs, ys = simulate(c["train"], c["bands"], rng, lib)
    xt, yt = simulate(c["test"], c["bands"], rng, lib)
    xm, xd, ym, yd = xs.mean(0), xs.std(0), ys.mean(0), ys.std(0)
    x, y, xv, yv, scale = to_tensors((xs - xm) / xd, (ys - ym) / yd, (xt - xm) / xd, (yt - ym) / yd, yd)

    net = SpectraNet(c["bands"], c["width"], y.shape[1]).to(x)
    opt = torch.optim.NAdam(net.parameters(), lr=c["lr"])
    steps = c["epochs"] * (c["train"] // c["batch"])
    decay = torch.optim.lr_scheduler.PolynomialLR(opt, steps, power=1.5)
    start = time.perf_counter()
    for epoch in range(c["epochs"]):
        perm = torch.randperm(len(x))
        total = 0.0
        for s in range(0, len(x), c["batch"]):
            pick = perm[s:s + c["batch"]]
            loss = nn.functional.smooth_l1_loss(net(x[pick]), y[pick], beta=0.5)
            opt.zero_grad()
            loss.backward()
            opt.step()
            decay.step()
            total += loss.item() * len(pick)
        if epoch % 4 == 3:
            spent = time.perf_counter() - start
            print(f"epoch {epoch + 1} loss {total / len(x):.5f} "
                  f"test rmse {rmse(net, xv, yv, scale).mean():.5f} {spent:.1f}s")
    spent = time.perf_counter() - start
    print("test rmse per analyte", [round(v, 4) for v in rmse(net, xv, yv, scale).tolist()])
    print(f"training took {spent:.1f}s, {1000 * spent / steps:.2f} ms a step")


if __name__ == "__main__":
    main(CONF)
