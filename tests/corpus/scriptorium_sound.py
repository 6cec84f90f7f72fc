# expects: nothing
"""Handwritten numerals with a purely functional network (torch.func)."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.func import grad_and_value

SEED = 11
SIZES = (64, 96, 48, 10)
EPOCHS = 24
BATCH = 48
LR = 0.015
MOMENTUM = 0.9

torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def load():
    X, y = load_digits(return_X_y=True)
    X_tr, X_va, y_tr, y_va = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=SEED)
    mu, sd = X_tr.mean(0), X_tr.std(0)
    sd[sd < 0.1] = 1.0
    to_x = lambda a: torch.tensor((a - mu) / sd, dtype=torch.float32)
    to_y = lambda a: torch.tensor(a, dtype=torch.long)
    return to_x(X_tr), to_y(y_tr), to_x(X_va), to_y(y_va)


def init_params(sizes, gain=1.0):
    params = {}
    for i, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        params[f"w{i}"] = torch.randn(n_in, n_out) * (gain / math.sqrt(n_in))
        params[f"b{i}"] = torch.zeros(n_out)
    return params


def forward(params, x):
    depth = len(params) // 2
    for i in range(depth):
        x = x @ params[f"w{i}"] + params[f"b{i}"]
        if i < depth - 1:
            x = torch.tanh(x)
    return x


def objective(params, x, y):
    return F.cross_entropy(forward(params, x), y)


def decay_mask(name):
    return 1.0 if name.startswith("w") else 0.0


def sgd(params, velocity, grads, lr, wd=5e-3):
    new_p, new_v = {}, {}
    for k in params:
        g = grads[k] + wd * decay_mask(k) * params[k]
        new_v[k] = MOMENTUM * velocity[k] + g
        new_p[k] = params[k] - lr * new_v[k]
    return new_p, new_v


@torch.no_grad()
def score(params, x, y):
    logits = forward(params, x)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main():
    X_tr, y_tr, X_va, y_va = load()
    params = init_params(SIZES)
    velocity = {k: torch.zeros_like(v) for k, v in params.items()}
    step_fn = grad_and_value(objective)
    n = len(X_tr)
    for epoch in range(EPOCHS):
        lr = LR * 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS))
        order = torch.from_numpy(rng.permutation(n))
        total = 0.0
        for idx in order.split(BATCH):
            grads, loss = step_fn(params, X_tr[idx], y_tr[idx])
            params, velocity = sgd(params, velocity, grads, lr)
            total += loss.item() * len(idx)
        if epoch % 3 == 2:
            vl, va = score(params, X_va, y_va)
            print(f"epoch {epoch + 1:3d}  train loss {total / n:.4f}  val loss {vl:.4f}  val acc {va:.3f}")
    vl, va = score(params, X_va, y_va)
    print(f"final val accuracy {va:.4f}")


if __name__ == "__main__":
    main()
