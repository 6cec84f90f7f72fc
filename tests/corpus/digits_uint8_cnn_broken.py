# bug: the pixel mean is subtracted while the images are still uint8, so every darker-than-mean pixel wraps around to a large value
# expects: no-rule-yet
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    epochs: int = 9
    batch_size: int = 32
    lr: float = 0.02
    momentum: float = 0.9
    seed: int = 3


def load_arrays(seed):
    raw = load_digits()
    images = (raw.images * 15).astype(np.uint8)
    noise = np.random.default_rng(seed).integers(0, 16, images.shape).astype(np.uint8)
    images = images + noise
    order = np.random.default_rng(seed).permutation(len(images))
    return images[order], raw.target[order].astype(np.int64)


def preprocess(images, mean, std):
    centred = images - np.uint8(mean)
    return torch.from_numpy(centred.astype(np.float32) / std).unsqueeze(1)


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(24 * 4, 10),
    )


def run(cfg):
    torch.manual_seed(cfg.seed)
    images, labels = load_arrays(cfg.seed)
    n_train = 1300
    mean, std = images[:n_train].mean(), np.float32(images[:n_train].std())
    x_train, x_test = preprocess(images[:n_train], mean, std), preprocess(images[n_train:], mean, std)
    y_train, y_test = torch.from_numpy(labels[:n_train]), torch.from_numpy(labels[n_train:])

    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=cfg.batch_size, shuffle=True)
    net = build_model()
    opt = torch.optim.SGD(net.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(1, cfg.epochs + 1):
        net.train()
        losses = []
        for xb, yb in loader:
            loss = loss_fn(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            acc = (net(x_test).argmax(dim=1) == y_test).float().mean()
        print(f"[{epoch}/{cfg.epochs}] loss={np.mean(losses):.3f} test_acc={acc:.3f}")


if __name__ == "__main__":
    run(Config())
