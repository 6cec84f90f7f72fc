# expects: nothing
"""Calibration transfer in near-infrared spectroscopy.

A network trained on a large archive (concentrations of eight compounds) is reused for a new
lab property of which only a few dozen reference measurements exist."""
import numpy as np
import torch
import torch.nn as nn

CONFIG = {
    "seed": 4,
    "channels": 200,
    "compounds": 8,
    "archive": {"n": 6000, "epochs": 70, "lr": 1e-3, "batch": 64},
    "property": {"n_ref": 60, "n_test": 500, "steps": 400, "lr": 5e-3},
}


class CalibrationNet(nn.Module):
    def __init__(self, channels, n_out, width=96, feat=24):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(channels, width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, feat), nn.Tanh(),
        )
        self.head = nn.Linear(feat, n_out)

    def forward(self, x):
        return self.head(self.backbone(x))


def make_spectra(rng, bands, conc, noise=0.25):
    path = rng.uniform(0.85, 1.15, size=(len(conc), 1))
    drift = rng.normal(0, 0.15, size=(len(conc), 1)) * np.linspace(-1, 1, bands.shape[1])
    return path * (conc @ bands) + drift + rng.normal(0, noise, size=(len(conc), bands.shape[1]))


def simulate(cfg):
    rng = np.random.default_rng(cfg["seed"])
    grid = np.linspace(0, 1, cfg["channels"])
    centres = rng.uniform(0.05, 0.95, size=(cfg["compounds"], 3, 1))
    widths = rng.uniform(0.02, 0.08, size=(cfg["compounds"], 3, 1))
    bands = np.exp(-0.5 * ((grid - centres) / widths) ** 2).sum(1)
    weights = rng.normal(0, 1, size=cfg["compounds"])

    def draw(n):
        conc = rng.gamma(2.0, 0.5, size=(n, cfg["compounds"]))
        spec = make_spectra(rng, bands, conc)
        prop = conc @ weights + rng.normal(0, 0.3, size=n)
        return spec, conc, prop[:, None]

    p = cfg["property"]
    return draw(cfg["archive"]["n"]), draw(p["n_ref"]), draw(p["n_test"])


def tensor(a):
    return torch.tensor(a, dtype=torch.float32)


def r2(pred, target):
    return (1 - ((pred - target) ** 2).sum(0) / ((target - target.mean(0)) ** 2).sum(0)).mean().item()


def freeze_all_but_last(net):
    *body, last = net.children()
    for module in body:
        module.requires_grad_(False)
    return net


def fit_archive(net, x, y, cfg):
    n_val = len(x) // 6
    xv, yv, x, y = x[:n_val], y[:n_val], x[n_val:], y[n_val:]
    opt = torch.optim.AdamW(net.parameters(), lr=cfg["lr"], weight_decay=1e-2)
    for epoch in range(1, cfg["epochs"] + 1):
        net.train()
        losses = []
        for idx in torch.randperm(len(x)).split(cfg["batch"]):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x[idx]), y[idx])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if epoch % 10 == 0:
            net.eval()
            with torch.no_grad():
                print(f"archive  epoch {epoch:3d}  loss {np.mean(losses):.4f}  val R2 {r2(net(xv), yv):.3f}")


def fit_property(net, x, y, xt, yt, cfg):
    net.head = nn.Linear(net.head.in_features, 1)
    freeze_all_but_last(net)
    opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=cfg["lr"])
    for step in range(1, cfg["steps"] + 1):
        net.train()
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        opt.step()
        if step % 80 == 0:
            net.eval()
            with torch.no_grad():
                print(f"property step {step:4d}  loss {loss.item():.4f}  test R2 {r2(net(xt), yt):.3f}")
    net.eval()
    with torch.no_grad():
        return r2(net(xt), yt)


def main():
    cfg = CONFIG
    torch.manual_seed(cfg["seed"])
    (xa, ca, _), (xr, _, pr), (xt, _, pt) = simulate(cfg)
    n_val = len(xa) // 6
    x_mu, x_sd = xa[n_val:].mean(0), xa[n_val:].std(0)
    c_mu, c_sd = ca[n_val:].mean(0), ca[n_val:].std(0)
    p_mu, p_sd = pr.mean(0), pr.std(0)
    xa, xr, xt = (tensor((x - x_mu) / x_sd) for x in (xa, xr, xt))

    net = CalibrationNet(cfg["channels"], cfg["compounds"])
    fit_archive(net, xa, tensor((ca - c_mu) / c_sd), cfg["archive"])
    score = fit_property(net, xr, tensor((pr - p_mu) / p_sd), xt, tensor((pt - p_mu) / p_sd), cfg["property"])
    print(f"R2 of the new property on {len(xt)} unseen samples: {score:.3f}")


if __name__ == "__main__":
    main()
