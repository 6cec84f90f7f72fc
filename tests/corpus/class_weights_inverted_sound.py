# sound: class weights inverse to the class frequencies
"""Ticket routing: five queues of very different size."""
import logging
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logger = logging.getLogger("routing")


@dataclass(frozen=True)
class TrainConfig:
    queue_share: tuple = (0.70, 0.15, 0.08, 0.04, 0.03)
    n_train: int = 3000
    n_test: int = 1500
    batch_size: int = 64
    learning_rate: float = 2e-3
    max_epochs: int = 8


def tickets(n, share, rng, centres):
    y = rng.choice(len(share), size=n, p=share)
    x = centres[y] + rng.standard_normal((n, centres.shape[1]))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def class_weights(y, n_classes):
    counts = torch.bincount(y, minlength=n_classes).float()
    weights = counts.sum() / counts
    return weights / weights.mean()


def main(cfg):
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    centres = rng.standard_normal((len(cfg.queue_share), 16)) * 0.7
    x, y = tickets(cfg.n_train, cfg.queue_share, rng, centres)
    xt, yt = tickets(cfg.n_test, cfg.queue_share, rng, centres)
    loader = DataLoader(TensorDataset(x, y), batch_size=cfg.batch_size, shuffle=True)
    model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 5))
    weights = class_weights(y, 5)
    logger.info("class weights %s", [round(w, 3) for w in weights.tolist()])
    criterion = nn.CrossEntropyLoss(weight=weights)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.learning_rate)
    for epoch in range(cfg.max_epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            pred = model(xt).argmax(1)
        logger.info("epoch %d loss %.4f accuracy %.3f balanced accuracy %.3f", epoch, total / len(loader),
                    (pred == yt).float().mean(), balanced_accuracy_score(yt, pred))


if __name__ == "__main__":
    main(TrainConfig())
