# expects: nothing
"""Predict the shaft temperature of a gas turbine from twelve sensor channels."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CFG = {
    "seed": 4,
    "n": 6000,
    "width": 64,
    "depth": 4,
    "batch_size": 32,
    "epochs": 16,
    "optim": {"lr": 0.02, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": True},
    "norm": {"eps": 1e-5, "momentum": 0.1},
}


def sensors(cfg):
    rng = np.random.default_rng(cfg["seed"])
    z = rng.normal(size=(cfg["n"], 5))
    mix = rng.normal(size=(5, 12)) / np.sqrt(5)
    x = z @ mix + 0.3 * rng.normal(size=(cfg["n"], 12))
    temp = 9 * np.sin(1.2 * x[:, 0]) + 6 * x[:, 1] * x[:, 2] + 5 * np.abs(x[:, 3]) + 4 * x[:, 4] - 3 * x[:, 5]
    temp = 420 + temp + rng.normal(0, 1.0, cfg["n"])
    return x.astype(np.float32), temp.astype(np.float32)


class Layer(nn.Module):
    def __init__(self, n_in, n_out, norm):
        super().__init__()
        self.lin = nn.Linear(n_in, n_out, bias=False)
        self.norm = nn.BatchNorm1d(n_out, **norm)

    def forward(self, x):
        return torch.relu(self.norm(self.lin(x)))


class ShaftNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        w, norm = cfg["width"], cfg["norm"]
        self.body = nn.Sequential(Layer(12, w, norm), *[Layer(w, w, norm) for _ in range(cfg["depth"] - 1)])
        self.out = nn.Linear(w, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(1)


def fit(cfg):
    torch.manual_seed(cfg["seed"])
    x, y = sensors(cfg)
    cut = int(0.8 * len(x))
    xm, xs = x[:cut].mean(0), x[:cut].std(0)
    ym, ys = y[:cut].mean(), y[:cut].std()
    ds = [TensorDataset(torch.from_numpy((x[s] - xm) / xs), torch.from_numpy((y[s] - ym) / ys))
          for s in (slice(0, cut), slice(cut, None))]
    train = DataLoader(ds[0], cfg["batch_size"], shuffle=True, drop_last=True)
    valid = DataLoader(ds[1], 200)

    model = ShaftNet(cfg)
    opt = torch.optim.SGD(model.parameters(), **cfg["optim"])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg["epochs"])
    mse = nn.MSELoss()
    for epoch in range(cfg["epochs"]):
        model.train()
        tl = []
        for xb, yb in train:
            loss = mse(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tl.append(loss.item())
        sched.step()

        model.eval()
        err, ref = [], []
        with torch.no_grad():
            for xb, yb in valid:
                err.append(model(xb) - yb)
                ref.append(yb)
        err, ref = torch.cat(err), torch.cat(ref)
        r2 = 1 - err.pow(2).sum() / (ref - ref.mean()).pow(2).sum()
        print(f"epoch {epoch + 1:2d}  train mse {np.mean(tl):.4f}  val mse {err.pow(2).mean():.4f}  "
              f"val MAE {err.abs().mean() * ys:.2f} K  R2 {r2:.3f}")


if __name__ == "__main__":
    fit(CFG)
