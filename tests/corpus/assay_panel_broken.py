# bug: in the loop over tasks the loss is assigned, not added, so only the last task's loss reaches backward()
# expects: LOS044
# Shared trunk, four assay read-outs per compound (three regressions, one classification).
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import r2_score, roc_auc_score


@dataclass
class Config:
    seed: int = 5
    n_compounds: int = 5000
    n_bits: int = 128
    hidden: int = 192
    epochs: int = 24
    batch: int = 64
    lr: float = 8e-4
    weights: dict = field(default_factory=lambda: {"solubility": 1.0, "logd": 1.0, "clearance": 1.0, "herg": 1.0})


def make_compounds(cfg):
    g = np.random.default_rng(cfg.seed)
    bits = (g.random((cfg.n_compounds, cfg.n_bits)) < 0.15).astype(np.float32)
    latent = np.tanh(bits @ g.normal(0, 0.5, (cfg.n_bits, 12)))

    def readout(noise):
        v = latent @ g.normal(0, 1, 12) + 0.6 * latent[:, 0] * latent[:, g.integers(1, 12)]
        return (v + g.normal(0, noise, len(v))).astype(np.float32)

    ys = {"solubility": readout(0.4), "logd": readout(0.3), "clearance": readout(0.6)}
    r = readout(0.5)
    ys["herg"] = (r > np.quantile(r, 0.65)).astype(np.float32)
    return bits, ys


class Panel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(cfg.n_bits, cfg.hidden), nn.SiLU(), nn.Dropout(0.1),
            nn.Linear(cfg.hidden, cfg.hidden), nn.SiLU(),
        )
        self.heads = nn.ModuleDict({k: nn.Linear(cfg.hidden, 1) for k in cfg.weights})

    def forward(self, x):
        h = self.trunk(x)
        return {k: head(h).squeeze(-1) for k, head in self.heads.items()}


def task_loss(name, pred, target):
    if name == "herg":
        return F.binary_cross_entropy_with_logits(pred, target)
    return F.mse_loss(pred, target)


def evaluate(model, x, ys):
    model.eval()
    with torch.no_grad():
        out = model(x)
    res = {}
    for k in out:
        p, y = out[k].numpy(), ys[k].numpy()
        res[k] = roc_auc_score(y, p) if k == "herg" else r2_score(y, p)
    return res


cfg = Config()
torch.manual_seed(cfg.seed)
bits, targets = make_compounds(cfg)
perm = np.random.default_rng(cfg.seed + 1).permutation(cfg.n_compounds)
tr, te = perm[:4000], perm[4000:]
x_tr, x_te = torch.from_numpy(bits[tr]), torch.from_numpy(bits[te])
y_tr, y_te = {}, {}
for k, v in targets.items():
    mu, sd = (v[tr].mean(), v[tr].std()) if k != "herg" else (0.0, 1.0)
    y_tr[k] = torch.from_numpy((v[tr] - mu) / sd).float()
    y_te[k] = torch.from_numpy((v[te] - mu) / sd).float()

model = Panel(cfg)
opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=cfg.epochs)

for epoch in range(cfg.epochs):
    model.train()
    running, n_steps = 0.0, 0
    for idx in torch.randperm(len(x_tr)).split(cfg.batch):
        preds = model(x_tr[idx])
        loss = 0.0
        for name, weight in cfg.weights.items():
            loss = weight * task_loss(name, preds[name], y_tr[name][idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item()
        n_steps += 1
    sched.step()
    if epoch % 4 == 3:
        print(f"[{epoch + 1:02d}/{cfg.epochs}] train loss {running / n_steps:.4f}")

result = evaluate(model, x_te, y_te)
print("held-out:", "  ".join(f"{k}={v:.3f}" for k, v in result.items()))
print(f"panel mean {np.mean(list(result.values())):.3f}")
