# bug: regression output (N,1) minus target (N,) broadcasts to (N,N), so the loss pulls all predictions to the mean
# expects: LOS003
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Config:
    n: int = 3000
    batch: int = 64
    epochs: int = 20
    lr: float = 2e-3
    weight_decay: float = 1e-4
    seed: int = 11


cfg = Config()
rng = np.random.default_rng(cfg.seed)
torch.manual_seed(cfg.seed)

# ---- house prices: log price from area, rooms, age, distance to centre, district ----
area = rng.gamma(6.0, 18.0, cfg.n)
rooms = np.clip(np.round(area / 28 + rng.normal(0, 0.8, cfg.n)), 1, 9)
age = rng.uniform(0, 90, cfg.n)
dist = rng.exponential(6.0, cfg.n)
district = rng.integers(0, 12, cfg.n)
district_effect = rng.normal(0, 0.25, 12)
log_price = (11.2 + 0.75 * np.log(area) + 0.04 * rooms - 0.006 * age + 0.00006 * age ** 2
             - 0.05 * dist + district_effect[district] + rng.normal(0, 0.10, cfg.n))

num = np.stack([np.log(area), rooms, age, dist], 1)
cut = int(0.8 * cfg.n)
mu, sd = num[:cut].mean(0), num[:cut].std(0)
num = torch.tensor((num - mu) / sd, dtype=torch.float32)
cat = torch.tensor(district)
ym, ys = log_price[:cut].mean(), log_price[:cut].std()
target = torch.tensor((log_price - ym) / ys, dtype=torch.float32)


class PriceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 6)
        self.body = nn.Sequential(nn.Linear(4 + 6, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))

    def forward(self, num, cat):
        return self.body(torch.cat([num, self.emb(cat)], dim=1))


net = PriceNet()
opt = torch.optim.AdamW(net.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)


def mse(pred, y):
    return ((pred - y) ** 2).mean()


def rmse_and_r2():
    net.eval()
    with torch.no_grad():
        p = net(num[cut:], cat[cut:]).numpy().ravel()
    t = target[cut:].numpy()
    err = ((p - t) ** 2).mean()
    return err ** 0.5, 1 - err / t.var()


for epoch in range(cfg.epochs):
    net.train()
    losses = []
    order = torch.randperm(cut)
    for i in range(0, cut, cfg.batch):
        b = order[i:i + cfg.batch]
        loss = mse(net(num[b], cat[b]), target[b])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    r, r2 = rmse_and_r2()
    print(f"epoch {epoch:2d} | loss {np.mean(losses):.4f} | val rmse {r:.4f} | val R2 {r2:.4f}")
