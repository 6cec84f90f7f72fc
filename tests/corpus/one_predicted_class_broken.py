# bug: with 3 % positives, no weighting and heavy regularisation, the model predicts only the majority class
# expects: DAT022 TRN003 OPT014
"""Detect faulty parts on a production line (made-up sensor data)."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


@dataclass
class Cfg:
    n: int = 4000
    positive: float = 0.03
    batch: int = 64
    epochs: int = 6
    lr: float = 2e-3


def sensor_data(cfg, seed):
    rng = np.random.default_rng(seed)
    y = (rng.random(cfg.n) < cfg.positive).astype(np.int64)
    x = rng.standard_normal((cfg.n, 12))
    x[:, :4] += 0.9 * y[:, None]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, 2))

    def forward(self, x):
        return self.f(x)


def report(model, x, y):
    model.eval()
    with torch.no_grad():
        pred = model(x).argmax(1)
    tp = ((pred == 1) & (y == 1)).sum().item()
    recall = tp / (y == 1).sum().item()
    tn = ((pred == 0) & (y == 0)).sum().item() / (y == 0).sum().item()
    acc = (pred == y).float().mean().item()
    return f"accuracy {acc:.3f} recall {recall:.3f} specificity {tn:.3f} predicted positives {(pred == 1).sum().item()}"


def main(cfg):
    torch.manual_seed(4)
    x, y = sensor_data(cfg, 0)
    xt, yt = sensor_data(cfg, 1)
    dataset = TensorDataset(x, y)
    loader = DataLoader(dataset, batch_size=cfg.batch, shuffle=True)
    model = Detector()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.5)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch} loss {total / len(loader):.4f} | {report(model, xt, yt)}")


if __name__ == "__main__":
    main(Cfg())
