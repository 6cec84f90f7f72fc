# bug: Class numbers are used as a quantity: regression on the class index
# expects: LOS024
"""Forest cover type (7 kinds) from terrain measurements and a soil code. Simulated plots."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    n_plots: int = 5000
    n_types: int = 7
    n_soils: int = 12
    emb_dim: int = 6
    width: int = 64
    batch_size: int = 100
    epochs: int = 16
    lr: float = 3e-3
    seed: int = 5


def simulate(cfg):
    rng = np.random.default_rng(cfg.seed)
    centres = rng.normal(0, 1.6, (cfg.n_types, 8))
    soil_pref = rng.dirichlet(np.full(cfg.n_soils, 0.4), cfg.n_types)
    cover = rng.choice(cfg.n_types, cfg.n_plots, p=[.25, .22, .15, .12, .1, .1, .06])
    terrain = centres[cover] + rng.normal(0, 1.1, (cfg.n_plots, 8))
    terrain[:, 0] = terrain[:, 0] + 0.3 * terrain[:, 1] ** 2
    soil = np.array([rng.choice(cfg.n_soils, p=soil_pref[c]) for c in cover])
    terrain = (terrain - terrain.mean(0)) / terrain.std(0)
    return TensorDataset(torch.tensor(terrain, dtype=torch.float32), torch.tensor(soil), torch.tensor(cover))


class CoverNet(nn.Module):
    def __init__(self, cfg, n_out):
        super().__init__()
        self.soil = nn.Embedding(cfg.n_soils, cfg.emb_dim)
        self.body = nn.Sequential(
            nn.Linear(8 + cfg.emb_dim, cfg.width), nn.SiLU(), nn.LayerNorm(cfg.width),
            nn.Linear(cfg.width, cfg.width), nn.SiLU(), nn.Dropout(0.1),
            nn.Linear(cfg.width, n_out),
        )

    def forward(self, terrain, soil):
        return self.body(torch.cat([terrain, self.soil(soil)], dim=-1))


def compute_loss(out, cover):
    return F.mse_loss(out.squeeze(-1), cover.float())


def decide(out, cfg):
    return out.squeeze(-1).round().clamp(0, cfg.n_types - 1).long()


def run(cfg):
    torch.manual_seed(cfg.seed)
    data = simulate(cfg)
    n_val = len(data) // 5
    train, val = random_split(data, [len(data) - n_val, n_val])
    train_loader = DataLoader(train, cfg.batch_size, shuffle=True)
    val_loader = DataLoader(val, 500)
    net = CoverNet(cfg, n_out=1)
    opt = torch.optim.AdamW(net.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        net.train()
        losses = []
        for terrain, soil, cover in train_loader:
            loss = compute_loss(net(terrain, soil), cover)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            losses.append(loss.detach())
        net.eval()
        with torch.inference_mode():
            right = sum((decide(net(t, s), cfg) == c).sum() for t, s, c in val_loader)
        if epoch % 3 == 0:
            print(f"{epoch:>3} loss {torch.stack(losses).mean():.3f}  val accuracy {right / n_val:.3f}")


if __name__ == "__main__":
    run(Config())
