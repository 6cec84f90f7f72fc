# expects: nothing
# Regress yield strength of an alloy from composition and heat treatment.
# Small hand-rolled residual MLP with explicit weights.
import time

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(5)
torch.manual_seed(5)

N, D, H, DEPTH = 24000, 40, 384, 3
comp = rng.dirichlet(np.full(D - 4, 0.6), size=N)
heat = rng.uniform(-1, 1, size=(N, 4))
raw = np.concatenate([comp, heat], axis=1)
w1 = rng.normal(size=(D - 4, 6))
hidden = np.tanh(3 * comp @ w1)
strength = (
    hidden @ rng.normal(size=6)
    + 1.2 * np.sin(2.5 * heat[:, 0]) * hidden[:, 0]
    + 0.8 * heat[:, 1] * heat[:, 2]
    + 0.15 * rng.normal(size=N)
)

order = rng.permutation(N)
tr, va, te = order[:18000], order[18000:21000], order[21000:]
mean, std = raw[tr].mean(0), raw[tr].std(0)
X = (raw - mean) / std
y_mean, y_std = strength[tr].mean(), strength[tr].std()
Y = (strength - y_mean) / y_std


def tensor(a):
    return torch.as_tensor(a, dtype=torch.float32)


def he(n_in, n_out, gain=2.0):
    return tensor(rng.normal(scale=np.sqrt(gain / n_in), size=(n_in, n_out))).requires_grad_()


def zeros(n):
    return tensor(np.zeros(n)).requires_grad_()


params = {"w_in": he(D, H), "b_in": zeros(H)}
for k in range(DEPTH):
    params[f"w{k}a"], params[f"b{k}a"] = he(H, H), zeros(H)
    params[f"w{k}b"], params[f"b{k}b"] = he(H, H, gain=0.1), zeros(H)
params["w_out"], params["b_out"] = he(H, 1, gain=1.0), zeros(1)


def forward(x):
    h = F.relu(x @ params["w_in"] + params["b_in"])
    for k in range(DEPTH):
        z = F.relu(h @ params[f"w{k}a"] + params[f"b{k}a"])
        h = h + z @ params[f"w{k}b"] + params[f"b{k}b"]
    return (F.relu(h) @ params["w_out"] + params["b_out"]).squeeze(1)


Xt, Yt = tensor(X), tensor(Y)
tr, va, te = map(torch.as_tensor, (tr, va, te))


@torch.no_grad()
def r2(idx):
    pred = forward(Xt[idx])
    resid = (Yt[idx] - pred).square().sum()
    return 1 - (resid / (Yt[idx] - Yt[idx].mean()).square().sum()).item()


EPOCHS, BATCH = 5, 128
steps = EPOCHS * (len(tr) // BATCH)
optim = torch.optim.AdamW(params.values(), lr=1e-3, weight_decay=1e-2)
sched = torch.optim.lr_scheduler.OneCycleLR(optim, max_lr=1e-3, total_steps=steps)
start = time.time()
for epoch in range(EPOCHS):
    perm = tr[torch.randperm(len(tr))]
    running = 0.0
    for j in range(len(tr) // BATCH):
        idx = perm[j * BATCH:(j + 1) * BATCH]
        loss = F.mse_loss(forward(Xt[idx]), Yt[idx])
        optim.zero_grad(set_to_none=True)
        loss.backward()
        optim.step()
        sched.step()
        running += loss.item()
    print(f"epoch {epoch + 1:2d}  mse {running / (len(tr) // BATCH):.4f}  val R2 {r2(va):.4f}")
print(f"test R2 {r2(te):.4f}   training took {time.time() - start:.1f}s")
