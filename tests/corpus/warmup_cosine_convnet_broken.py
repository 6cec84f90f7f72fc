# bug: LambdaLR's function returns an absolute learning rate instead of a multiplier, so the effective rate is base_lr squared (make_schedule)
# expects: OPT037
import math

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(24, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 4, 10))


def make_schedule(opt, base_lr, warmup, total):
    """Linear warmup followed by cosine decay down to a tenth."""
    def lr_at(step):
        if step < warmup:
            return base_lr * (step + 1) / warmup
        progress = (step - warmup) / max(1, total - warmup)
        return base_lr * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))
    return LambdaLR(opt, lr_at)


def evaluate(model, loader):
    model.eval()
    loss = hits = n = 0.0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hits / n


def main(epochs=10, base_lr=0.03):
    torch.manual_seed(31)
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(digits.target)
    tr, te = train_test_split(range(len(y)), test_size=0.3, random_state=31, stratify=digits.target)
    train = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=32, shuffle=True)
    test = DataLoader(TensorDataset(x[te], y[te]), batch_size=180)

    model = build()
    opt = torch.optim.SGD(model.parameters(), lr=base_lr, momentum=0.9, weight_decay=1e-4)
    sched = make_schedule(opt, base_lr, warmup=40, total=epochs * len(train))
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for xb, yb in train:
            loss = nn.functional.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        vl, va = evaluate(model, test)
        print(f"epoch {epoch} train {total / len(train):.3f} test {vl:.3f} acc {va:.3f}")


if __name__ == "__main__":
    main()
