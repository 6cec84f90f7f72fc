# expects: nothing
"""Rating prediction for a film club: factorisation with a small network on top of user and film vectors."""
import math

import numpy as np
import torch
from torch import nn

config = {
    "users": 500, "films": 300, "ratings": 70000, "dim": 12, "hidden": 32, "dropout": 0.2,
    "epochs": 18, "batch": 160, "lr": 3e-3, "weight_decay": 0.05, "seed": 2,
}


def load(cfg):
    rng = np.random.default_rng(cfg["seed"])
    pu, pf = rng.normal(size=(cfg["users"], 3)), rng.normal(size=(cfg["films"], 3))
    bu, bf = 0.4 * rng.normal(size=cfg["users"]), 0.5 * rng.normal(size=cfg["films"])
    popular = rng.dirichlet(np.full(cfg["films"], 1.5))
    u = rng.integers(0, cfg["users"], cfg["ratings"])
    f = rng.choice(cfg["films"], cfg["ratings"], p=popular)
    keep = np.unique(u * cfg["films"] + f)
    rng.shuffle(keep)
    u, f = keep // cfg["films"], keep % cfg["films"]
    r = 3.4 + bu[u] + bf[f] + 0.5 * (pu[u] * pf[f]).sum(1) + 0.3 * rng.normal(size=len(u))
    r = np.clip(np.round(r * 2) / 2, 0.5, 5)
    return torch.from_numpy(u), torch.from_numpy(f), torch.tensor(r, dtype=torch.float32)


class Rater(nn.Module):
    def __init__(self, cfg, mean):
        super().__init__()
        self.user = nn.Embedding(cfg["users"], cfg["dim"])
        self.film = nn.Embedding(cfg["films"], cfg["dim"])
        self.user_bias = nn.Embedding(cfg["users"], 1)
        self.film_bias = nn.Embedding(cfg["films"], 1)
        for e in (self.user, self.film):
            nn.init.normal_(e.weight, std=0.2)
        for e in (self.user_bias, self.film_bias):
            nn.init.zeros_(e.weight)
        self.mix = nn.Sequential(
            nn.Linear(3 * cfg["dim"], cfg["hidden"]), nn.ReLU(), nn.Dropout(cfg["dropout"]), nn.Linear(cfg["hidden"], 1))
        self.register_buffer("mean", mean)

    def forward(self, u, f):
        a, b = self.user(u), self.film(f)
        score = self.mix(torch.cat([a, b, a * b], dim=1)) + self.user_bias(u) + self.film_bias(f)
        return self.mean + score.squeeze(1)


def rmse(model, u, f, r):
    model.eval()
    with torch.no_grad():
        return math.sqrt(((model(u, f).clamp(0.5, 5) - r) ** 2).mean().item())


def train(cfg):
    torch.manual_seed(cfg["seed"])
    u, f, r = load(cfg)
    n = int(0.85 * len(u))
    val = u[n:], f[n:], r[n:]
    u, f, r = u[:n], f[:n], r[:n]
    model = Rater(cfg, r.mean())
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=cfg["weight_decay"])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg["epochs"])
    print(f"{n} ratings to train on, predicting the mean gives RMSE {(val[2] - r.mean()).pow(2).mean().sqrt():.4f}")
    for epoch in range(cfg["epochs"]):
        model.train()
        total = 0.0
        for idx in torch.randperm(n).split(cfg["batch"]):
            loss = nn.functional.mse_loss(model(u[idx], f[idx]), r[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        sched.step()
        print(f"epoch {epoch + 1:2d}: train MSE {total / n:.4f}, validation RMSE {rmse(model, *val):.4f}")


if __name__ == "__main__":
    train(config)
