# bug: accuracy compares (N,1) predictions with (N,) targets, broadcasting to an NxN comparison, so the reported accuracy is wrong (accuracy)
# expects: TRN012
import argparse

import numpy as np
import torch
from torch import nn


def customers(n, rng):
    tenure = rng.exponential(24, n)
    price = rng.normal(60, 15, n)
    calls = rng.poisson(2, n)
    contract = rng.integers(0, 2, n)
    usage = rng.normal(0, 1, n)
    score = -0.06 * tenure + 0.07 * (price - 60) + 0.8 * (calls - 2) - 1.8 * contract + 0.9 * usage ** 2 + 1.0
    churn = rng.random(n) < 1 / (1 + np.exp(-2.0 * score))
    x = np.stack([np.log1p(tenure), price, calls, contract, usage, usage ** 2], axis=1)
    return x.astype(np.float32), churn.astype(np.float32)


def accuracy(logits, target):
    pred = (logits > 0).float()
    return (pred == target).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description="churn model")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()

    torch.manual_seed(50)
    rng = np.random.default_rng(50)
    x, y = customers(3000, rng)
    xv, yv = customers(800, rng)
    mean, std = x.mean(0), x.std(0)
    x, xv = torch.from_numpy((x - mean) / std), torch.from_numpy((xv - mean) / std)
    y, yv = torch.from_numpy(y), torch.from_numpy(yv)

    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    loss_fn = nn.BCEWithLogitsLoss()
    recent = []
    for step in range(1, args.steps + 1):
        model.train()
        idx = torch.randint(0, len(x), (args.batch,))
        loss = loss_fn(model(x[idx]), y[idx].unsqueeze(1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        recent.append(loss.item())
        if step % 100 == 0:
            model.eval()
            with torch.no_grad():
                logits = model(xv)
                val_loss = loss_fn(logits, yv.unsqueeze(1)).item()
            print(f"step {step} train {np.mean(recent[-100:]):.3f} val {val_loss:.3f} "
                  f"val accuracy {accuracy(logits, yv):.3f}")


if __name__ == "__main__":
    main()
