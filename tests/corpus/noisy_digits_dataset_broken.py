# bug: augmentation noise is added in place to the stored image (no copy), so noise accumulates over epochs (DigitImages.__getitem__)
# expects: DAT014
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    seed: int = 11
    epochs: int = 14
    batch_size: int = 48
    lr: float = 2e-3
    noise: float = 0.35


class DigitImages(Dataset):
    def __init__(self, images, labels, noise=0.0, seed=0):
        self.images = images
        self.labels = labels
        self.noise = noise
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        img = self.images[index]
        if self.noise:
            img += self.rng.normal(0.0, self.noise, img.shape).astype(np.float32)
        return torch.from_numpy(img), int(self.labels[index])


def accuracy(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(dim=1) == y).sum().item()
            total += y.numel()
    return hits / total


def run(cfg: Config):
    torch.manual_seed(cfg.seed)
    digits = load_digits()
    images = (digits.images[:, None] / 16.0).astype(np.float32)
    xtr, xva, ytr, yva = train_test_split(
        images, digits.target, test_size=0.3, random_state=cfg.seed, stratify=digits.target)
    train_dl = DataLoader(DigitImages(xtr, ytr, cfg.noise, cfg.seed), batch_size=cfg.batch_size, shuffle=True)
    val_dl = DataLoader(DigitImages(xva, yva), batch_size=256)

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 4, 10))
    optimizer = optim.Adam(model.parameters(), lr=cfg.lr)
    loss_fn = nn.CrossEntropyLoss()

    for epoch in range(1, cfg.epochs + 1):
        model.train()
        epoch_loss = 0.0
        for x, y in train_dl:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * y.numel()
        print(f"epoch {epoch:>2} loss {epoch_loss / len(ytr):.3f} val acc {accuracy(model, val_dl):.3f}")


if __name__ == "__main__":
    run(Config())
