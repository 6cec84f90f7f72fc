# expects: nothing
"""Deep pre-norm feed-forward net on handwritten digits; written around functional calls and a table of settings."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

SETTINGS = {
    "width": 64,
    "expand": 2,
    "depth": 18,
    "dropout": 0.1,
    "lr": 1e-3,
    "weight_decay": 0.02,
    "batch_size": 64,
    "epochs": 10,
    "warmup": 40,
    "seed": 9,
}


class FeedForward(nn.Module):
    def __init__(self, width, expand, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, expand * width)
        self.down = nn.Linear(expand * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        h = self.norm(x)
        h = F.gelu(self.up(h))
        return x + self.dropout(self.down(h))


class DeepNet(nn.Module):
    def __init__(self, n_in, n_out, width, expand, depth, dropout):
        super().__init__()
        self.inlet = nn.Linear(n_in, width)
        self.blocks = nn.Sequential(*[FeedForward(width, expand, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.outlet = nn.Linear(width, n_out)

    def forward(self, x):
        return self.outlet(self.norm(self.blocks(self.inlet(x))))


def get_data(seed):
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    fit, check = order[:1400], order[1400:]
    mean, std = x[fit].mean(), x[fit].std()
    x = torch.tensor((x - mean) / std, dtype=torch.float32)
    y = torch.tensor(y)
    return (x[fit], y[fit]), (x[check], y[check])


def lr_factor(step, total, warmup):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + np.cos(np.pi * (step - warmup) / max(1, total - warmup)))


def main(s):
    torch.manual_seed(s["seed"])
    (x, y), (xv, yv) = get_data(s["seed"])
    model = DeepNet(x.shape[1], 10, s["width"], s["expand"], s["depth"], s["dropout"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=s["lr"], weight_decay=s["weight_decay"])
    total = s["epochs"] * -(-len(x) // s["batch_size"])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: lr_factor(k, total, s["warmup"]))

    for epoch in range(s["epochs"]):
        model.train()
        sum_loss = 0.0
        for idx in torch.randperm(len(x)).split(s["batch_size"]):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            sum_loss += loss.item() * len(idx)
        model.eval()
        with torch.inference_mode():
            out = model(xv)
            val_loss = F.cross_entropy(out, yv).item()
            val_acc = (out.argmax(1) == yv).float().mean().item()
        print(f"{epoch + 1:>3}/{s['epochs']}  loss={sum_loss / len(x):.4f}  val_loss={val_loss:.4f}  val_acc={val_acc:.4f}")


if __name__ == "__main__":
    main(SETTINGS)
