"""Predict the mean load of a machine from its settings, several readings per machine."""
from itertools import groupby

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(12)
N_MACHINES, READINGS = 900, 6

machine_ids = rng.permutation(N_MACHINES)
settings = {int(m): rng.normal(size=6) for m in machine_ids}
W1 = rng.normal(size=(6, 5)) / 2


def true_load(s):
    return float(np.tanh(s @ W1).sum() + 0.5 * s[0] * s[1])


rows = []  # (machine, load) as written in the log, in order of time
for m in machine_ids:
    for _ in range(READINGS):
        rows.append((int(m), true_load(settings[int(m)]) + rng.normal(0, 0.3)))

# one row of features for each machine, in the order of the log
# group first, then take the features in the order of the groups
by_machine = groupby(sorted(rows, key=lambda r: r[0]), key=lambda r: r[0])
grouped = [(m, np.mean([v for _, v in readings])) for m, readings in by_machine]
X = np.stack([settings[m] for m, _ in grouped])
y = np.array([v for _, v in grouped])

X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
pick = torch.tensor(rng.permutation(N_MACHINES))
fit_idx, hold_idx = pick[:700], pick[700:]

torch.manual_seed(12)
reg = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 1))
opt = torch.optim.Adam(reg.parameters(), lr=1e-2, weight_decay=1e-4)
for epoch in range(25):
    reg.train()
    order = fit_idx[torch.randperm(len(fit_idx))]
    sq = 0.0
    for part in order.split(50):
        err = reg(X[part]).squeeze(-1) - y[part]
        loss = err.square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        sq += err.detach().square().sum().item()
    if epoch % 5 == 4:
        reg.eval()
        with torch.no_grad():
            held = (reg(X[hold_idx]).squeeze(-1) - y[hold_idx]).square().mean().item()
        print(f"epoch {epoch + 1}: fit mse {sq / 700:.4f}, held-out mse {held:.4f}")
