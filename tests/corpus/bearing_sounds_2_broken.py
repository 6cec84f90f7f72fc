# bug: signals and labels are shuffled with two different permutations in epoch_batches, so training stays at chance
# expects: DAT006
"""Classify bearing condition from short vibration snippets with a 1-D CNN."""
import argparse

import numpy as np
import torch
import torch.nn as nn

CONDITIONS = ["healthy", "outer_race", "inner_race", "ball"]


def make_snippets(n, rng, length=256):
    """Each condition has its own impact rate; amplitude, phase and noise vary."""
    t = np.arange(length)
    labels = rng.integers(0, len(CONDITIONS), n)
    signals = np.zeros((n, length), dtype=np.float32)
    periods = {1: 23, 2: 34, 3: 47}
    for i, c in enumerate(labels):
        shaft = np.sin(2 * np.pi * (t / 64 + rng.random()))
        x = 0.6 * shaft + 0.45 * rng.standard_normal(length)
        if c > 0:
            period = periods[c] + rng.integers(-1, 2)
            start = rng.integers(0, period)
            amp = rng.uniform(1.0, 2.0)
            for s in range(start, length, period):
                k = np.arange(min(18, length - s))
                x[s:s + len(k)] += amp * np.exp(-k / 5.0) * np.sin(2 * np.pi * k / 6.0)
        signals[i] = x
    return signals, labels.astype(np.int64)


class VibrationNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 9, padding=4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 9, padding=4), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(32, 48, 15, padding=7), nn.BatchNorm1d(48), nn.ReLU(),
        )
        self.out = nn.Linear(48 * 2, classes)

    def forward(self, x):
        h = self.features(x)
        return self.out(torch.cat([h.mean(-1), h.amax(-1)], dim=1))


def epoch_batches(x, y, batch_size, rng):
    x = rng.permutation(x)
    y = rng.permutation(y)
    for lo in range(0, len(x) - batch_size + 1, batch_size):
        xb = torch.from_numpy(x[lo:lo + batch_size]).unsqueeze(1)
        yb = torch.from_numpy(y[lo:lo + batch_size])
        yield xb, yb


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    pred = model(torch.from_numpy(x).unsqueeze(1)).argmax(1).numpy()
    return float((pred == y).mean())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=9)
    ap.add_argument("--batch-size", type=int, default=64)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--seed", type=int, default=11)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x_train, y_train = make_snippets(3200, rng)
    x_val, y_val = make_snippets(800, rng)
    mu, sd = x_train.mean(), x_train.std()
    x_train, x_val = (x_train - mu) / sd, (x_val - mu) / sd

    model = VibrationNet(len(CONDITIONS))
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    loss_fn = nn.CrossEntropyLoss()

    for epoch in range(1, args.epochs + 1):
        model.train()
        losses = []
        for xb, yb in epoch_batches(x_train, y_train, args.batch_size, rng):
            loss = loss_fn(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        print(f"epoch {epoch:2d}  loss {np.mean(losses):.4f}  val acc {accuracy(model, x_val, y_val):.3f}")
    print(f"final val accuracy {accuracy(model, x_val, y_val):.3f}")


if __name__ == "__main__":
    main()
