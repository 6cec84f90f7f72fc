# bug: label_smoothing is given the target confidence 0.9 instead of 0.1
# expects: LOS023
"""Read the digits of a utility meter; readings below the acceptance threshold go to a clerk."""
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Run:
    epochs: int = 30
    batch: int = 48
    lr: float = 2e-3
    confidence: float = 0.9
    accept: float = 0.6
    noise: float = 0.15
    seed: int = 23


def loaders(run):
    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype(np.float32).reshape(-1, 1, 8, 8)
    a, b, ya, yb = train_test_split(x, y, test_size=0.35, stratify=y, random_state=run.seed)
    train = TensorDataset(torch.from_numpy(a), torch.from_numpy(ya))
    test = TensorDataset(torch.from_numpy(b), torch.from_numpy(yb))
    return DataLoader(train, batch_size=run.batch, shuffle=True), DataLoader(test, batch_size=200)


def reader():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(48 * 16, 10))


def assess(model, loader, accept):
    model.eval()
    right = taken = count = 0
    nll = 0.0
    with torch.no_grad():
        for x, y in loader:
            logp = model(x).log_softmax(1)
            best, guess = logp.max(1)
            right += (guess == y).sum().item()
            taken += ((best.exp() >= accept) & (guess == y)).sum().item()
            nll -= logp.gather(1, y[:, None]).sum().item()
            count += len(y)
    return right / count, taken / count, nll / count


def main():
    run = Run()
    set_seed(run.seed)
    accelerator = Accelerator(cpu=True)
    train, test = loaders(run)
    model = reader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.epochs)
    criterion = nn.CrossEntropyLoss(label_smoothing=run.confidence)
    model, optimizer, train, test = accelerator.prepare(model, optimizer, train, test)

    for epoch in range(run.epochs):
        model.train()
        total = 0.0
        for x, y in train:
            x = x + run.noise * torch.randn_like(x)
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            total += loss.item()
        schedule.step()
        if epoch % 3 == 2:
            acc, taken, nll = assess(model, test, run.accept)
            accelerator.print(f"epoch {epoch + 1}: loss {total / len(train):.4f} acc {acc:.4f} "
                              f"accepted and right {taken:.4f} nll {nll:.4f}")


if __name__ == "__main__":
    main()
