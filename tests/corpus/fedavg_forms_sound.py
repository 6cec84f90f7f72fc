# expects: nothing
"""Federated averaging over post offices: each keeps its own hand-written digits and never shares them."""
import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Settings:
    clients: int = 36
    rounds: int = 24
    local_epochs: int = 5
    batch_size: int = 48
    lr: float = 0.1
    momentum: float = 0.9
    alpha: float = 2.0          # Dirichlet concentration of the digit mix per office
    seed: int = 21


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def office_split(y, cfg, rng):
    """Row numbers per office; every office has a digit mix and a size of its own."""
    shares = rng.dirichlet([cfg.alpha] * cfg.clients, size=10)
    offices = [[] for _ in range(cfg.clients)]
    for digit in range(10):
        rows = rng.permutation(np.flatnonzero(y == digit))
        cuts = (np.cumsum(shares[digit])[:-1] * len(rows)).astype(int)
        for office, part in zip(offices, np.split(rows, cuts)):
            office.extend(part.tolist())
    return [np.array(o) for o in offices if o]


def local_update(global_model, loader, cfg):
    model = copy.deepcopy(global_model)
    model.train()
    opt = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    loss_sum, seen = 0.0, 0
    for _ in range(cfg.local_epochs):
        for xb, yb in loader:
            opt.zero_grad()
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            opt.step()
            loss_sum += loss.item() * len(xb)
            seen += len(xb)
    return model.state_dict(), loss_sum, seen


def average(states, weights):
    total = float(sum(weights))
    return {k: sum(s[k] * (w / total) for s, w in zip(states, weights)) for k in states[0]}


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    logits = model(x)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def run(cfg):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    data = load_digits()
    x = torch.tensor(data.images / 16.0, dtype=torch.float32)[:, None]
    y = torch.tensor(data.target)
    order = rng.permutation(len(x))
    held, pool = order[:400], order[400:]
    offices = office_split(data.target[pool], cfg, rng)
    loaders = []
    for rows in offices:
        own = pool[rows]
        loaders.append(DataLoader(TensorDataset(x[own], y[own]), batch_size=cfg.batch_size, shuffle=True))
    sizes = [len(o) for o in offices]
    print(f"{len(offices)} offices, {min(sizes)} to {max(sizes)} digits each")

    model = Reader()
    for rnd in range(1, cfg.rounds + 1):
        states, losses, seen = [], 0.0, 0
        for loader in loaders:
            state, loss_sum, n = local_update(model, loader, cfg)
            states.append(state)
            losses += loss_sum
            seen += n
        model.load_state_dict(average(states, sizes))
        if rnd % 4 == 0:
            val_loss, val_acc = evaluate(model, x[held], y[held])
            print(f"round {rnd:2d}  local loss {losses / max(seen, 1):.4f}  held-out loss {val_loss:.4f}  acc {val_acc:.3f}")


if __name__ == "__main__":
    run(Settings())
