# expects: nothing
"""Mineral classes from spectra. The queue gives us short jobs, so training goes on from the last file."""
import math
import os
import tempfile

import numpy as np
import torch
from torch import nn

TOTAL_EPOCHS = 48
EPOCHS_PER_JOB = 12
PEAK_LR = 0.25
CLASSES = 8


def spectra(n, seed):
    rng = np.random.default_rng(seed)
    law = np.random.default_rng(77)
    templates = law.normal(0, 0.42, (CLASSES, 3, 40))
    y = rng.integers(0, CLASSES, n)
    x = templates[y, rng.integers(0, 3, n)] + rng.normal(0, 1.0, (n, 40))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def build():
    torch.manual_seed(6)
    net = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                        nn.Linear(64, CLASSES))
    opt = torch.optim.SGD(net.parameters(), lr=PEAK_LR, momentum=0.9, weight_decay=3e-3)
    return net, opt


def rate(epoch):
    warm = min(1.0, (epoch + 1) / 3)
    return PEAK_LR * warm * 0.5 * (1 + math.cos(math.pi * epoch / TOTAL_EPOCHS))


def save(path, net, opt, epoch):
    torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "epoch": epoch}, path)


def load(path, net, opt):
    if not os.path.exists(path):
        return 0
    state = torch.load(path)
    net.load_state_dict(state["net"])
    opt.load_state_dict(state["opt"])
    return state.get("epoch", 0)


@torch.no_grad()
def check(net, x, y):
    net.eval()
    logits = net(x)
    net.train()
    return (logits.argmax(1) == y).float().mean().item(), nn.functional.cross_entropy(logits, y).item()


def job(path, train, held):
    net, opt = build()
    first = load(path, net, opt)
    x, y = train
    for epoch in range(first, min(first + EPOCHS_PER_JOB, TOTAL_EPOCHS)):
        for group in opt.param_groups:
            group["lr"] = rate(epoch)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1000 + epoch))
        total = 0.0
        for idx in order.split(100):
            loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            opt.step()
            total += loss.item() * len(idx)
        save(path, net, opt, epoch + 1)
        if epoch % 3 == 2:
            acc, nll = check(net, *held)
            print(f"  epoch {epoch + 1:2d}  train loss {total / len(x):.4f}  acc {acc:.4f}  nll {nll:.4f}")


def main():
    train, held = spectra(20000, seed=1), spectra(4000, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "last.pt")
        for k in range(TOTAL_EPOCHS // EPOCHS_PER_JOB):
            print(f"job {k}")
            job(path, train, held)
        net, opt = build()
        load(path, net, opt)
        acc, nll = check(net, *held)
        print(f"final held-out accuracy {acc:.4f}  nll {nll:.4f}")


if __name__ == "__main__":
    main()
