# bug: gradients are accumulated over 16 micro-batches but the loss is not divided by 16 (plain SGD)
# expects: OPT015
"""Gradient accumulation with bf16 autocast on the CPU."""
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import make_friedman2
from torch.utils.data import DataLoader, TensorDataset


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.fc = nn.Linear(d, d)
        self.norm = nn.LayerNorm(d)

    def forward(self, x):
        return x + torch.relu(self.fc(self.norm(x)))


class Net(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.inp = nn.Linear(4, d)
        self.blocks = nn.Sequential(Block(d), Block(d))
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        return self.out(self.blocks(self.inp(x))).squeeze(-1)


def build_loaders(micro_batch, seed):
    x, y = make_friedman2(n_samples=2560 + 400, noise=10.0, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    x = (x - x[:2560].mean(0)) / x[:2560].std(0)
    y = (y - y[:2560].mean()) / y[:2560].std()
    train = DataLoader(TensorDataset(x[:2560], y[:2560]), batch_size=micro_batch, shuffle=True)
    return train, (x[2560:], y[2560:])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--micro-batch", type=int, default=4)
    ap.add_argument("--accumulate", type=int, default=16)
    ap.add_argument("--epochs", type=int, default=5)
    ap.add_argument("--lr", type=float, default=0.1)
    args = ap.parse_args()
    torch.manual_seed(0)
    loader, (xv, yv) = build_loaders(args.micro_batch, 0)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    criterion = nn.MSELoss()
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for k, (x, y) in enumerate(loader):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                pred = model(x)
            loss = criterion(pred.float(), y)
            running += loss.item()
            loss.backward()
            if (k + 1) % args.accumulate == 0:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
        model.eval()
        with torch.no_grad():
            val = criterion(model(xv), yv).item()
        print(f"epoch {epoch}: train mse {running / len(loader):.4f} val mse {val:.4f}")


if __name__ == "__main__":
    main()
