# bug: panel_loss() turns missing (NaN) assay labels into 0, so untested compounds are trained as inactive
# expects: LOS059
"""Multi-task activity model for a panel of assays; each compound was run in only some of them."""
import argparse

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch import nn


def make_compounds(n, rng, w1, w2, p_full):
    x = rng.normal(size=(n, w1.shape[0])).astype(np.float32)
    h = np.tanh(x @ w1)
    z = h @ w2
    z = z / z.std(0)
    y = (rng.random(z.shape) < 1 / (1 + np.exp(-(2.5 * z - 0.8)))).astype(np.float32)
    if not p_full:
        p_run = 1 / (1 + np.exp(-(-0.4 - 1.6 * z)))
        y[rng.random(z.shape) > p_run] = np.nan
    return x, y


def build(n_in, n_tasks, width):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.LayerNorm(width), nn.GELU(), nn.Dropout(0.2),
        nn.Linear(width, width), nn.LayerNorm(width), nn.GELU(), nn.Dropout(0.2),
        nn.Linear(width, n_tasks),
    )


def panel_loss(logits, y):
    return F.binary_cross_entropy_with_logits(logits, torch.nan_to_num(y))


@torch.no_grad()
def mean_auc(model, x, y):
    model.eval()
    p = torch.sigmoid(model(x)).numpy()
    model.train()
    y = y.numpy()
    return float(np.mean([roc_auc_score(y[:, t], p[:, t]) for t in range(y.shape[1])]))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=45)
    ap.add_argument("--batch", type=int, default=100)
    ap.add_argument("--width", type=int, default=160)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--seed", type=int, default=3)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    n_in, n_tasks = 40, 12
    w1 = rng.normal(size=(n_in, 30)) / np.sqrt(n_in)
    w2 = rng.normal(size=(30, n_tasks)) / np.sqrt(30)
    xtr, ytr = make_compounds(6000, rng, w1, w2, p_full=False)
    xte, yte = make_compounds(2000, rng, w1, w2, p_full=True)
    mu, sd = xtr.mean(0), xtr.std(0)
    xtr = torch.from_numpy((xtr - mu) / sd)
    xte = torch.from_numpy((xte - mu) / sd)
    ytr, yte = torch.from_numpy(ytr), torch.from_numpy(yte)
    print(f"train compounds {len(xtr)}  tests run {(~torch.isnan(ytr)).float().mean():.2f}  reference compounds {len(xte)}")

    model = build(n_in, n_tasks, args.width)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.02)
    steps = args.epochs * (len(xtr) // args.batch)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=steps)

    for ep in range(1, args.epochs + 1):
        order = torch.randperm(len(xtr))
        running = []
        for idx in order.split(args.batch):
            loss = panel_loss(model(xtr[idx]), ytr[idx])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            opt.step()
            sched.step()
            running.append(loss.item())
        if ep % 5 == 0:
            print(f"[{ep:02d}/{args.epochs}] loss={np.mean(running):.4f}")
    print(f"reference set mean AUC = {mean_auc(model, xte, yte):.4f}")


if __name__ == "__main__":
    main()
