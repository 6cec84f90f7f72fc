# expects: OPT016
"""Autoencoder for the digit images, then a nearest-neighbour check of the codes."""

import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier


def load(seed):
    d = load_digits()
    x = torch.tensor(d.data / 16.0, dtype=torch.float32)
    y = torch.tensor(d.target)
    p = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x, y = x[p], y[p]
    return (x[:1440], y[:1440]), (x[1440:], y[1440:])


def init_params(sizes, seed):
    g = torch.Generator().manual_seed(seed)
    params = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        w = torch.randn(a, b, generator=g) * (1.0 / a) ** 0.5
        params.append(w.requires_grad_())
        params.append(torch.zeros(b, requires_grad=True))
    return params


def encode(params, x):
    h = torch.tanh(x @ params[0] + params[1])
    return h @ params[2] + params[3]


def decode(params, z):
    h = torch.tanh(z @ params[4] + params[5])
    return h @ params[6] + params[7]


def reconstruct(params, x):
    return decode(params, encode(params, x))


def train_epoch(params, x, lr, momentum, batch, gen):
    opt = torch.optim.SGD(params, lr=lr, momentum=momentum, nesterov=True)
    total, n = 0.0, 0
    for idx in torch.randperm(len(x), generator=gen).split(batch):
        xb = x[idx]
        loss = ((reconstruct(params, xb) - xb) ** 2).sum(1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
        n += len(idx)
    return total / n


def run(epochs=150, batch=360, lr=3e-3, momentum=0.95, seed=2):
    (xt, yt), (xv, yv) = load(seed)
    params = init_params([64, 96, 10, 96, 64], seed)
    gen = torch.Generator().manual_seed(seed)
    base = ((xv - xt.mean(0)) ** 2).sum(1).mean().item()
    for ep in range(epochs):
        tl = train_epoch(params, xt, lr, momentum, batch, gen)
        if ep % 25 == 24 or ep == 0:
            with torch.no_grad():
                vl = ((reconstruct(params, xv) - xv) ** 2).sum(1).mean().item()
            print(f"epoch {ep + 1:3d}  train {tl:.3f}  val {vl:.3f}  explained {1 - vl / base:.3f}")
    with torch.no_grad():
        zt, zv = encode(params, xt).numpy(), encode(params, xv).numpy()
    acc = KNeighborsClassifier(5).fit(zt, yt).score(zv, yv)
    print(f"5-nn accuracy on the codes: {acc:.3f}")


torch.manual_seed(2)
run()
