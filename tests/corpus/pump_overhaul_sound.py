# expects: nothing
import numpy as np
import pandas as pd
import torch
import torch.nn as nn

SEED = 17


def make_tables(n_pumps=2400):
    """A log of daily readings (many rows a pump) and a workshop list with the overhaul cost."""
    rng = np.random.default_rng(SEED)
    names = np.array([f"P{rng.integers(1, 10)}-{k}" for k in rng.permutation(n_pumps)])
    wear = rng.gamma(2.0, 1.0, n_pumps)
    load = rng.normal(0, 1, n_pumps)
    age = rng.uniform(1, 15, n_pumps)
    rows = rng.integers(6, 25, n_pumps)
    who = np.repeat(np.arange(n_pumps), rows)
    log = pd.DataFrame({
        "pump": names[who],
        "temp": 55 + 4 * wear[who] + 3 * load[who] + rng.normal(0, 4, len(who)),
        "vibration": 1 + 0.7 * wear[who] + rng.normal(0, 0.8, len(who)),
        "current": 20 + 2.5 * load[who] + rng.normal(0, 1.5, len(who)),
        "age": age[who],
    })
    cost = 3 + 1.4 * wear + 0.8 * wear * np.maximum(load, 0) + 0.15 * age + rng.normal(0, 0.5, n_pumps)
    workshop = pd.DataFrame({"pump": names, "site": rng.choice(list("ABC"), n_pumps), "cost": cost})
    return log, workshop


def build_matrix(log, workshop):
    feats = log.groupby("pump").agg(
        temp_mean=("temp", "mean"), temp_max=("temp", "max"),
        vib_mean=("vibration", "mean"), vib_std=("vibration", "std"),
        cur_mean=("current", "mean"), cur_max=("current", "max"),
        age=("age", "first"), n=("temp", "size"),
    )
    cost = workshop.set_index("pump")["cost"].loc[feats.index]
    return feats.to_numpy(np.float32), cost.to_numpy(np.float32)


def split(n, rng, test=0.25):
    order = rng.permutation(n)
    cut = int(n * test)
    return order[cut:], order[:cut]


class ResidualMLP(nn.Module):
    def __init__(self, d_in, width=96, depth=3, p=0.1):
        super().__init__()
        self.inp = nn.Linear(d_in, width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Dropout(p),
                          nn.Linear(width, width))
            for _ in range(depth))
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        h = self.inp(x)
        for layer in self.layers:
            h = h + layer(h)
        return self.out(h).squeeze(-1)


def r2(pred, y):
    return 1 - ((pred - y) ** 2).sum().item() / ((y - y.mean()) ** 2).sum().item()


def run():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    rng = np.random.default_rng(SEED + 1)
    log, workshop = make_tables()
    X, y = build_matrix(log, workshop)
    tr, te = split(len(X), rng)
    mu, sd = X[tr].mean(0), X[tr].std(0)
    ymu, ysd = y[tr].mean(), y[tr].std()
    X = torch.from_numpy((X - mu) / sd)
    y = torch.from_numpy((y - ymu) / ysd)
    net = ResidualMLP(X.shape[1])
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.02)
    epochs, bs = 60, 64
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for ep in range(epochs):
        net.train()
        running = []
        for idx in torch.from_numpy(rng.permutation(tr)).split(bs):
            loss = nn.functional.huber_loss(net(X[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            running.append(loss.item())
        sched.step()
        if (ep + 1) % 6 == 0:
            net.eval()
            with torch.no_grad():
                print(f"epoch {ep + 1:2d} | huber {np.mean(running):.4f} | test R2 {r2(net(X[te]), y[te]):+.3f}")
    net.eval()
    with torch.no_grad():
        pred = net(X[te])
    mae = (pred - y[te]).abs().mean().item() * ysd
    print(f"test R2 {r2(pred, y[te]):+.4f}, MAE {mae:.3f} k")


run()
