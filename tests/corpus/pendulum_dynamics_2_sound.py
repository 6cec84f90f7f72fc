# sound: the same program without that
# Learn the one-step dynamics of a driven pendulum (model-based RL warm-up).
from dataclasses import dataclass, field
import math
import torch
from torch import nn


@dataclass
class Config:
    seed: int = 0
    n_transitions: int = 8000
    hidden: list = field(default_factory=lambda: [64, 64])
    lr: float = 1e-3
    batch_size: int = 128
    epochs: int = 20
    dt: float = 0.05


def pendulum_step(th, om, u, dt):
    for _ in range(5):
        acc = -9.81 * torch.sin(th) - 0.2 * om + 3.0 * u
        om = om + acc * dt / 5
        th = th + om * dt / 5
    return th, om


def collect(cfg, gen):
    th = (torch.rand(cfg.n_transitions, generator=gen) * 2 - 1) * math.pi
    om = torch.randn(cfg.n_transitions, generator=gen) * 3
    u = torch.rand(cfg.n_transitions, generator=gen) * 4 - 2
    th2, om2 = pendulum_step(th, om, u, cfg.dt)
    obs = torch.stack([th.cos(), th.sin(), om / 3, u], 1)
    delta = torch.stack([th2 - th, om2 - om], 1)
    return obs, delta


def build_mlp(sizes):
    layers = []
    for i in range(len(sizes) - 1):
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
        if i < len(sizes) - 2:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class DynamicsTrainer:
    def __init__(self, cfg):
        self.cfg = cfg
        self.gen = torch.Generator().manual_seed(cfg.seed)
        torch.manual_seed(cfg.seed)
        obs, delta = collect(cfg, self.gen)
        n = int(0.85 * len(obs))
        self.scale = delta[:n].std(0)
        delta = delta / self.scale
        self.train_set = (obs[:n], delta[:n])
        self.val_set = (obs[n:], delta[n:])
        self.model = build_mlp([4, *cfg.hidden, 2])
        self.opt = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)

    def run_epoch(self):
        x, y = self.train_set
        order = torch.randperm(len(x), generator=self.gen)
        losses = []
        for chunk in order.split(self.cfg.batch_size):
            loss = nn.functional.mse_loss(self.model(x[chunk]), y[chunk])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    @torch.no_grad()
    def validate(self):
        x, y = self.val_set
        p = self.model(x)
        return (1 - ((p - y) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)).tolist()

    def fit(self):
        for ep in range(self.cfg.epochs):
            tr = self.run_epoch()
            r2 = self.validate()
            if ep % 4 == 3:
                print(f"epoch {ep + 1}: train {tr:.4f}  val R2 angle {r2[0]:.3f} velocity {r2[1]:.3f}")


if __name__ == "__main__":
    DynamicsTrainer(Config()).fit()
