# expects: MOD009 MOD013
"""Soft-sensor for a rotary kiln: free-lime content from process tags, by a small mixture of experts."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CFG = dict(seed=11, rows=6000, experts=4, hidden=24, batch=64, epochs=30, lr=3e-3)


def make_plant(rows, rng):
    """Four operating regimes (fuel mix x load), each with its own response to the tags."""
    tags = rng.normal(size=(rows, 8)).astype("float32")
    tags[:, 3] = 0.5 * tags[:, 2] + 0.8 * tags[:, 3]
    regime = (tags[:, 0] > 0).astype(int) * 2 + (tags[:, 1] > 0.2).astype(int)
    coef = rng.normal(size=(4, 8)).astype("float32")
    offset = np.array([1.0, -0.5, 2.0, 0.0], dtype="float32")
    lime = (tags * coef[regime]).sum(1) + offset[regime]
    lime += 0.3 * rng.normal(size=rows).astype("float32")
    scale = np.array([40, 3, 120, 15, 0.5, 8, 1, 60], dtype="float32")
    shift = np.array([900, 12, 300, 60, 2, 20, 5, 400], dtype="float32")
    return tags * scale + shift, lime.astype("float32")


class Expert(nn.Module):
    def __init__(self, n_in, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.body(x).squeeze(-1)


class Mixture(nn.Module):
    def __init__(self, n_in, n_experts, hidden):
        super().__init__()
        self.experts = nn.ModuleList(Expert(n_in, hidden) for _ in range(n_experts))
        self.gate = nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, n_experts))

    def forward(self, x):
        outs = torch.stack([e(x) for e in self.experts], dim=0)
        share = self.gate(x).softmax(dim=0)
        return (outs * share.t()).sum(dim=0)


def r2(model, loader):
    model.eval()
    preds, truth = [], []
    with torch.no_grad():
        for xb, yb in loader:
            preds.append(model(xb))
            truth.append(yb)
    p, t = torch.cat(preds), torch.cat(truth)
    return (1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum()).item()


def run(cfg):
    torch.manual_seed(cfg["seed"])
    rng = np.random.default_rng(cfg["seed"])
    x, y = make_plant(cfg["rows"], rng)
    order = rng.permutation(len(x))
    n_val = len(x) // 5
    va, tr = order[:n_val], order[n_val:]
    mu, sd = x[tr].mean(0), x[tr].std(0)
    ymu, ysd = y[tr].mean(), y[tr].std()
    x, y = (x - mu) / sd, (y - ymu) / ysd
    ds = lambda idx: TensorDataset(torch.from_numpy(x[idx]), torch.from_numpy(y[idx]))
    train = DataLoader(ds(tr), batch_size=cfg["batch"], shuffle=True)
    val = DataLoader(ds(va), batch_size=cfg["batch"])

    model = Mixture(x.shape[1], cfg["experts"], cfg["hidden"])
    opt = torch.optim.Adam(model.parameters(), lr=cfg["lr"])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg["epochs"])
    for epoch in range(cfg["epochs"]):
        model.train()
        total = 0.0
        for xb, yb in train:
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        sched.step()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d}  train mse {total / len(tr):.4f}  val R2 {r2(model, val):.4f}")
    print(f"final R2 on validation rows: {r2(model, val):.4f}")


if __name__ == "__main__":
    run(CFG)
