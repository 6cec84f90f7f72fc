# bug: a projection is made anew in each forward pass
# expects: MOD020 MOD001
"""Heart beat classification from one lead (simulated beats)."""
import argparse

import numpy as np
import torch
from torch import nn

NAMES = ["normal", "wide", "early", "inverted"]


def simulate(n, length, rng):
    t = np.linspace(0, 1, length)
    kinds = rng.integers(0, len(NAMES), n)
    beats = np.zeros((n, 1, length), dtype=np.float32)
    for i, k in enumerate(kinds):
        centre = 0.5 + rng.normal(0, 0.03) - (0.14 if k == 2 else 0.0)
        width = (0.055 if k == 1 else 0.025) * rng.uniform(0.8, 1.2)
        height = rng.uniform(0.8, 1.3)
        p = 0.2 * np.exp(-((t - 0.3) / 0.03) ** 2)
        qrs = height * np.exp(-((t - centre) / width) ** 2)
        tw = 0.35 * np.exp(-((t - 0.75) / 0.05) ** 2) * (-1 if k == 3 else 1)
        wander = 0.15 * np.sin(2 * np.pi * (t * rng.uniform(0.5, 1.5) + rng.random()))
        beats[i, 0] = p + qrs + tw + wander + rng.normal(0, 0.12, length)
    return torch.from_numpy(beats), torch.from_numpy(kinds)


class BeatNet(nn.Module):
    def __init__(self, length, hidden=64, n_classes=4):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 12, 7, padding=3), nn.BatchNorm1d(12), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(12, 24, 5, padding=2), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(24, 24, 3, padding=1), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
        )
        self.hidden = hidden
        self.drop = nn.Dropout(0.1)
        self.classify = nn.Linear(hidden, n_classes)

    def forward(self, x):
        h = self.features(x).flatten(1)
        project = nn.Linear(h.shape[1], self.hidden)
        h = torch.relu(project(h))
        return self.classify(self.drop(h))


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part) for part in x.split(200)])
        loss = nn.functional.cross_entropy(logits, y).item()
        hit = logits.argmax(1) == y
    by_class = [hit[y == c].float().mean().item() for c in range(len(NAMES))]
    return loss, hit.float().mean().item(), by_class


def main(args):
    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    x_train, y_train = simulate(args.train, args.length, rng)
    x_valid, y_valid = simulate(args.valid, args.length, rng)
    mean, std = x_train.mean(), x_train.std()
    x_train, x_valid = (x_train - mean) / std, (x_valid - mean) / std

    model = BeatNet(args.length)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    print("trainable parameters:", sum(p.numel() for p in model.parameters()))

    for epoch in range(1, args.epochs + 1):
        model.train()
        losses = []
        for rows in torch.randperm(len(x_train)).split(args.batch_size):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        v_loss, v_acc, by_class = evaluate(model, x_valid, y_valid)
        print(f"{epoch:3d} | train {np.mean(losses):.4f} | valid {v_loss:.4f} | acc {v_acc:.3f} | "
              + " ".join(f"{n} {a:.2f}" for n, a in zip(NAMES, by_class)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--train", type=int, default=3000)
    parser.add_argument("--valid", type=int, default=800)
    parser.add_argument("--seed", type=int, default=4)
    main(parser.parse_args())
