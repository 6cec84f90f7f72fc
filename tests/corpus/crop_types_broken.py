# bug: class numbers as a quantity, in functional style
# expects: no-rule-yet
"""
Crop type per field from a season of Sentinel-like observations (NDVI and a radar channel, 5-day composites).
Pure functions: parameters live in a dict, gradients come from torch.func.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.func import grad_and_value

CROPS = ["wheat", "maize", "rapeseed", "potato", "grassland", "sugar beet"]
STEPS = 30
#            start  peak-len  height  radar
PHENOLOGY = [(0.10, 0.34, 0.80, 0.30),
             (0.42, 0.34, 0.85, 0.75),
             (0.06, 0.30, 0.75, 0.70),
             (0.34, 0.30, 0.72, 0.45),
             (0.02, 0.80, 0.62, 0.20),
             (0.36, 0.46, 0.86, 0.52)]


def make_fields(n, rng):
    t = np.linspace(0, 1, STEPS)
    y = rng.integers(0, len(CROPS), n)
    x = np.empty((n, 2, STEPS), dtype=np.float32)
    for i, c in enumerate(y):
        start, length, height, radar = PHENOLOGY[c]
        start = start + rng.normal(0, 0.035)
        end = start + length + rng.normal(0, 0.035)
        bump = 1 / (1 + np.exp(-(t - start) / 0.04)) * 1 / (1 + np.exp((t - end) / 0.04))
        x[i, 0] = 0.15 + height * rng.uniform(0.8, 1.1) * bump + rng.normal(0, 0.08, STEPS)
        x[i, 1] = radar * bump + 0.2 * rng.normal() * t + rng.normal(0, 0.15, STEPS)
    return torch.from_numpy(x), torch.from_numpy(y)


def he(gen, *shape):
    fan_in = math.prod(shape[1:])
    return torch.randn(*shape, generator=gen) * math.sqrt(2.0 / fan_in)


def init_params(gen, n_out):
    return {
        "c1.w": he(gen, 16, 2, 5), "c1.b": torch.zeros(16),
        "c2.w": he(gen, 32, 16, 5), "c2.b": torch.zeros(32),
        "f1.w": he(gen, 48, 32 * 7), "f1.b": torch.zeros(48),
        "f2.w": he(gen, n_out, 48) * 0.3, "f2.b": torch.zeros(n_out),
    }


def apply(p, x):
    h = F.max_pool1d(F.relu(F.conv1d(x, p["c1.w"], p["c1.b"], padding=2)), 2)
    h = F.max_pool1d(F.relu(F.conv1d(h, p["c2.w"], p["c2.b"], padding=2)), 2)
    h = F.relu(F.linear(h.flatten(1), p["f1.w"], p["f1.b"]))
    return F.linear(h, p["f2.w"], p["f2.b"]).squeeze(1)


def loss_fn(p, x, y):
    return F.mse_loss(apply(p, x), y.float())


def predict(p, x):
    return apply(p, x).round().clamp(0, len(CROPS) - 1).long()


def adam_step(p, g, m, v, t, lr, b1=0.9, b2=0.99, eps=1e-8):
    for k in p:
        m[k] = b1 * m[k] + (1 - b1) * g[k]
        v[k] = b2 * v[k] + (1 - b2) * g[k] ** 2
        step = (m[k] / (1 - b1 ** t)) / ((v[k] / (1 - b2 ** t)).sqrt() + eps)
        p[k] = p[k] - lr * step
    return p, m, v


def main(epochs=24, batch=64, lr=1e-3, seed=9):
    rng = np.random.default_rng(seed)
    gen = torch.Generator().manual_seed(seed)
    x, y = make_fields(5000, rng)
    x_tr, y_tr, x_va, y_va = x[:4000], y[:4000], x[4000:], y[4000:]
    mean = x_tr.mean(dim=(0, 2), keepdim=True)
    std = x_tr.std(dim=(0, 2), keepdim=True)
    x_tr, x_va = (x_tr - mean) / std, (x_va - mean) / std

    params = init_params(gen, n_out=1)
    m = {k: torch.zeros_like(w) for k, w in params.items()}
    v = {k: torch.zeros_like(w) for k, w in params.items()}
    value_and_grad = grad_and_value(loss_fn)
    t, steps = 0, epochs * (len(x_tr) // batch)
    for epoch in range(epochs):
        perm = torch.randperm(len(x_tr), generator=gen)
        losses = []
        for i in range(len(x_tr) // batch):
            rows = perm[i * batch:(i + 1) * batch]
            g, loss = value_and_grad(params, x_tr[rows], y_tr[rows])
            t += 1
            params, m, v = adam_step(params, g, m, v, t, lr * (1 - t / (steps + 1)))
            losses.append(loss.item())
        with torch.no_grad():
            va_loss = loss_fn(params, x_va, y_va).item()
            acc = (predict(params, x_va) == y_va).float().mean().item()
        print(f"epoch {epoch + 1:2d}: train loss {np.mean(losses):.4f}, valid loss {va_loss:.4f}, valid acc {acc:.4f}")

    with torch.no_grad():
        pred = predict(params, x_va)
    for c, name in enumerate(CROPS):
        print(f"  {name:<11s} {(pred[y_va == c] == c).float().mean():.3f}")


if __name__ == "__main__":
    main()
