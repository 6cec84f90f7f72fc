# bug: the square root of a variance of zero: most gradients are NaN, and the guard skips their steps
# expects: NUM010
"""Which kind of shower left these hits? Sets of detector hits of any size, mean and deviation pooling (simulated)."""
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence


@dataclass
class Config:
    kinds: int = 6
    features: int = 5
    mean_hits: float = 9.0
    n_train: int = 4000
    n_valid: int = 800
    width: int = 48
    batch: int = 40
    epochs: int = 8
    lr: float = 1e-3
    max_norm: float = 5.0
    seed: int = 17


def simulate(n, cfg, shapes, rng):
    centre, spread = shapes
    sets, labels = [], rng.integers(0, cfg.kinds, n)
    for k in labels:
        hits = 1 + min(rng.geometric(1 / cfg.mean_hits) - 1, 30)
        origin = rng.normal(0, 0.4, cfg.features)
        x = centre[k] + origin + spread[k] * rng.normal(size=(hits, cfg.features))
        sets.append(torch.tensor(x, dtype=torch.float32))
    return sets, torch.tensor(labels)


def collate(sets, rows):
    chosen = [sets[i] for i in rows.tolist()]
    mask = torch.zeros(len(chosen), max(len(s) for s in chosen))
    for i, s in enumerate(chosen):
        mask[i, :len(s)] = 1.0
    return pad_sequence(chosen, batch_first=True), mask.unsqueeze(-1)


class MomentPooling(nn.Module):
    """mean and standard deviation over the hits that are there"""

    def forward(self, h, mask):
        count = mask.sum(dim=1)
        mean = (h * mask).sum(dim=1) / count
        var = ((h - mean.unsqueeze(1)) ** 2 * mask).sum(dim=1) / count
        return torch.cat([mean, torch.sqrt(var)], dim=1)


class ShowerNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        w = cfg.width
        self.phi = nn.Sequential(nn.Linear(cfg.features, w), nn.GELU(), nn.Linear(w, w))
        self.pool = MomentPooling()
        self.rho = nn.Sequential(nn.LayerNorm(2 * w), nn.Linear(2 * w, w), nn.GELU(), nn.Linear(w, cfg.kinds))

    def forward(self, x, mask):
        return self.rho(self.pool(self.phi(x), mask))


def validate(model, sets, labels, criterion):
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(*collate(sets, rows)) for rows in torch.arange(len(labels)).split(200)])
    return criterion(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


def train(cfg):
    rng = np.random.default_rng(cfg.seed)
    torch.manual_seed(cfg.seed)
    shapes = (rng.normal(0, 0.35, (cfg.kinds, cfg.features)), rng.uniform(0.3, 1.8, (cfg.kinds, cfg.features)))
    train_sets, train_labels = simulate(cfg.n_train, cfg, shapes, rng)
    valid_sets, valid_labels = simulate(cfg.n_valid, cfg, shapes, rng)

    model = ShowerNet(cfg)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        losses = []
        for rows in torch.randperm(cfg.n_train).split(cfg.batch):
            loss = criterion(model(*collate(train_sets, rows)), train_labels[rows])
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), cfg.max_norm)
            if math.isfinite(norm):
                optimizer.step()
            losses.append(loss.item())
        v_loss, v_acc = validate(model, valid_sets, valid_labels, criterion)
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}  valid loss {v_loss:.4f}  valid accuracy {v_acc:.4f}")
    return v_acc


if __name__ == "__main__":
    print(f"accuracy {train(Config()):.4f}")
