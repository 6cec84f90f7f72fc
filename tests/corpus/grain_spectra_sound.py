# expects: nothing
import argparse

import numpy as np
import torch
import torch.nn as nn


def simulate(n, rng, bands=100, kinds=6):
    """Near-infrared reflectance of grain samples: broad bumps on a high, sloping baseline."""
    axis = np.linspace(0, 1, bands)
    centres = np.array([0.15, 0.3, 0.45, 0.6, 0.75, 0.88])
    recipes = np.random.default_rng(99).uniform(0.2, 1.0, (kinds, len(centres)))
    y = rng.integers(0, kinds, n)
    heights = recipes[y] + rng.normal(0, 0.16, (n, len(centres)))
    bumps = np.exp(-((axis[None] - centres[:, None]) ** 2) / (2 * 0.05 ** 2))
    base = 1.6 + 0.5 * axis[None] + rng.normal(0, 0.1, (n, 1))
    x = base + 0.35 * heights @ bumps + rng.normal(0, 0.03, (n, bands))
    return x.astype(np.float32), y


def standardise(x, mean, std):
    return (x - mean) / std


class Encoder(nn.Sequential):
    def __init__(self, width):
        super().__init__(
            nn.Conv1d(1, 16, 7, stride=2, padding=3), nn.GELU(),
            nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.GELU(),
            nn.Flatten(), nn.Linear(32 * 25, width), nn.GELU(),
        )


def batches(n, size):
    return torch.randperm(n).split(size)


def pretrain(encoder, x, mean, std, epochs):
    x = torch.from_numpy(standardise(x, mean, std))
    decoder = nn.Linear(48, x.shape[1])
    opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    for epoch in range(epochs):
        total = 0.0
        for idx in batches(len(x), 64):
            clean = x[idx]
            noisy = clean + 0.3 * torch.randn_like(clean)
            loss = nn.functional.mse_loss(decoder(encoder(noisy.unsqueeze(1))), clean)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        print(f"[pretrain] epoch {epoch} reconstruction {total / len(x):.4f}")


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x.unsqueeze(1)).argmax(1) == y).float().mean().item()


def finetune(encoder, train, val, mean, std, epochs):
    x = torch.from_numpy(standardise(train[0], mean, std))
    y = torch.from_numpy(train[1])
    xv = torch.from_numpy(standardise(val[0], mean, std))
    yv = torch.from_numpy(val[1])
    model = nn.Sequential(encoder, nn.Dropout(0.1), nn.Linear(48, 6))
    opt = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=1e-2)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in batches(len(x), 64):
            loss = nn.functional.cross_entropy(model(x[idx].unsqueeze(1)), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        print(f"[finetune] epoch {epoch} loss {total / len(x):.4f} val acc {accuracy(model, xv, yv):.3f}")
    return model


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--pretrain-epochs", type=int, default=8)
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--seed", type=int, default=17)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    train, val, test = simulate(4000, rng), simulate(800, rng), simulate(1000, rng)
    mean, std = train[0].mean(0), train[0].std(0)
    encoder = Encoder(48)
    pretrain(encoder, train[0], mean, std, args.pretrain_epochs)
    model = finetune(encoder, train, val, mean, std, args.epochs)
    xt = torch.from_numpy(standardise(test[0], mean, std))
    print(f"test accuracy {accuracy(model, xt, torch.from_numpy(test[1])):.3f}")


if __name__ == "__main__":
    main()
