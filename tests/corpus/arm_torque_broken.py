# bug: an unknown name of an activation gives none
# expects: MOD037
"""Learn the inverse dynamics of a two-link arm (joint state and wanted acceleration -> torques)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "none": nn.Identity}

CONFIG = {
    "seed": 8,
    "samples": 6000,
    "widths": [96, 96, 96],
    "activation": "SiLU",
    "batch_size": 128,
    "epochs": 40,
    "lr": 2e-3,
}


def simulate(n, gen):
    """Rigid two-link arm in the vertical plane; SI units."""
    m1, m2, l1, l2, g = 2.0, 1.4, 0.5, 0.4, 9.81
    q = (torch.rand(n, 2, generator=gen) * 2 - 1) * np.pi
    dq = torch.randn(n, 2, generator=gen) * 2.0
    ddq = torch.randn(n, 2, generator=gen) * 6.0
    c2, s2 = q[:, 1].cos(), q[:, 1].sin()
    h = m2 * l1 * l2
    m11 = (m1 + m2) * l1 ** 2 + m2 * l2 ** 2 + 2 * h * c2
    m12 = m2 * l2 ** 2 + h * c2
    m22 = torch.full_like(m12, m2 * l2 ** 2)
    cor1 = -h * s2 * (2 * dq[:, 0] * dq[:, 1] + dq[:, 1] ** 2)
    cor2 = h * s2 * dq[:, 0] ** 2
    g1 = (m1 + m2) * g * l1 * q[:, 0].cos() + m2 * g * l2 * (q[:, 0] + q[:, 1]).cos()
    g2 = m2 * g * l2 * (q[:, 0] + q[:, 1]).cos()
    tau = torch.stack([m11 * ddq[:, 0] + m12 * ddq[:, 1] + cor1 + g1,
                       m12 * ddq[:, 0] + m22 * ddq[:, 1] + cor2 + g2], 1)
    tau = tau + 0.1 * torch.randn(n, 2, generator=gen)
    return torch.cat([q, dq, ddq], 1), tau


def build_network(n_in, n_out, widths, activation=None):
    act = ACTIVATIONS.get(activation, nn.Identity)
    layers, last = [], n_in
    for w in widths:
        layers += [nn.Linear(last, w), act()]
        last = w
    layers.append(nn.Linear(last, n_out))
    return nn.Sequential(*layers)


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg["seed"])
        gen = torch.Generator().manual_seed(cfg["seed"])
        x, tau = simulate(cfg["samples"], gen)
        n_val = cfg["samples"] // 5
        train, val = random_split(TensorDataset(x, tau), [len(x) - n_val, n_val], generator=gen)
        xt, yt = train[:]
        self.x_stats, self.y_stats = (xt.mean(0), xt.std(0)), (yt.mean(0), yt.std(0))
        self.loader = DataLoader(train, batch_size=cfg["batch_size"], shuffle=True)
        self.val = val[:]
        self.net = build_network(x.shape[1], tau.shape[1], cfg["widths"], activation=cfg["activation"])
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=cfg["lr"], weight_decay=1e-4)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(
            self.opt, max_lr=cfg["lr"] * 2, epochs=cfg["epochs"], steps_per_epoch=len(self.loader))

    @staticmethod
    def scale(v, stats):
        return (v - stats[0]) / stats[1]

    def epoch(self):
        self.net.train()
        total, n = 0.0, 0
        for x, tau in self.loader:
            loss = nn.functional.mse_loss(self.net(self.scale(x, self.x_stats)), self.scale(tau, self.y_stats))
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.sched.step()
            total += loss.item() * len(x)
            n += len(x)
        return total / n

    @torch.no_grad()
    def validate(self):
        self.net.eval()
        x, tau = self.val
        pred = self.net(self.scale(x, self.x_stats)) * self.y_stats[1] + self.y_stats[0]
        err = (pred - tau)
        r2 = 1 - err.pow(2).sum(0) / (tau - tau.mean(0)).pow(2).sum(0)
        return err.pow(2).mean().sqrt().item(), r2.tolist()

    def fit(self):
        for e in range(1, self.cfg["epochs"] + 1):
            loss = self.epoch()
            if e % 5 == 0:
                rmse, (r1, r2) = self.validate()
                print(f"epoch {e:3d} | train {loss:.4f} | val rmse {rmse:.3f} Nm | R2 shoulder {r1:.3f} elbow {r2:.3f}")


if __name__ == "__main__":
    Trainer(CONFIG).fit()
