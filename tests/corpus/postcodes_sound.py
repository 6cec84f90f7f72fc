# expects: nothing
"""Postcode numeral reader with running training statistics (top-1, top-3, per-class recall)."""
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

N_CLASS = 10


class RunningStats:
    def __init__(self):
        self.reset()

    def reset(self):
        self.seen = 0
        self.loss = torch.zeros(())
        self.top1 = torch.zeros(())
        self.top3 = torch.zeros(())
        self.conf = torch.zeros(N_CLASS * N_CLASS)

    def update(self, loss, logits, y):
        logits = logits.detach()
        top = logits.topk(3, dim=1).indices
        hit = top == y[:, None]
        self.seen += len(y)
        self.loss += loss.detach() * len(y)
        self.top1 += hit[:, 0].sum()
        self.top3 += hit.sum()
        self.conf += torch.bincount(y * N_CLASS + top[:, 0], minlength=N_CLASS * N_CLASS)

    def summary(self):
        conf = self.conf.view(N_CLASS, N_CLASS)
        recall = conf.diagonal() / conf.sum(1).clamp(min=1)
        return {
            "loss": float(self.loss) / self.seen,
            "top1": float(self.top1) / self.seen,
            "top3": float(self.top3) / self.seen,
            "worst recall": float(recall.min()),
        }


def shifted(images, rng):
    """One-pixel shifts, as envelopes are never quite straight in the reader."""
    out = [images]
    for ax, d in ((1, 1), (1, -1), (2, 1), (2, -1)):
        out.append(np.roll(images, d, axis=ax))
    pick = rng.integers(0, len(out), len(images))
    return np.stack(out)[pick, np.arange(len(images))]


def prepare(seed):
    rng = np.random.default_rng(seed)
    d = load_digits()
    order = rng.permutation(len(d.target))
    tr, va = order[:1440], order[1440:]
    x_tr = np.concatenate([d.images[tr]] + [shifted(d.images[tr], rng) for _ in range(3)])
    y_tr = np.tile(d.target[tr], 4)
    mean, std = x_tr.mean(), x_tr.std()
    f = lambda a: torch.tensor((a.reshape(len(a), 64) - mean) / std, dtype=torch.float32)
    return f(x_tr), torch.tensor(y_tr), f(d.images[va]), torch.tensor(d.target[va])


def main(seed=19, epochs=30, batch=128):
    torch.manual_seed(seed)
    x, y, xv, yv = prepare(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, N_CLASS))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    lossf = nn.CrossEntropyLoss()
    stats = RunningStats()
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        stats.reset()
        for idx in torch.randperm(len(x)).split(batch):
            xb, yb = x[idx], y[idx]
            logits = model(xb)
            loss = lossf(logits, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            stats.update(loss, logits, yb)
        if epoch % 3 == 0:
            model.eval()
            with torch.no_grad():
                acc = (model(xv).argmax(1) == yv).float().mean().item()
            line = "  ".join(f"{k} {v:.3f}" for k, v in stats.summary().items())
            print(f"epoch {epoch:2d}  {line}  | val acc {acc:.3f}  | {time.perf_counter() - began:.1f} s")
    took = time.perf_counter() - began
    print(f"{epochs * len(x) / took:.0f} examples per second")


if __name__ == "__main__":
    main()
