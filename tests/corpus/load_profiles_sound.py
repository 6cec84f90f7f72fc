# expects: nothing
"""Household archetypes from one day of smart-meter readings (half-hourly, quantised to load levels)."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    levels: int = 16          # quantisation of the load
    slots: int = 48           # readings per day
    context: int = 48         # rows of the position table
    width: int = 32
    heads: int = 4
    depth: int = 2
    dropout: float = 0.1
    classes: int = 5
    n_days: int = 2600
    epochs: int = 10
    batch: int = 64
    lr: float = 2e-3
    seed: int = 5


# (slot, height) of the typical peaks
ARCHETYPES = [
    [(14, 1.0), (28, 2.0), (42, 1.0)],   # home office
    [(14, 1.0), (28, 1.0), (42, 2.0)],   # commuters
    [(14, 1.0), (35, 2.0), (45, 1.0)],   # school children
    [(14, 1.0), (35, 1.0), (45, 2.0)],   # late shift
    [(8, 2.0), (20, 1.0), (40, 1.0)],    # early shift
]


def simulate_days(cfg):
    rng = np.random.default_rng(cfg.seed)
    t = np.arange(cfg.slots)
    y = rng.integers(0, cfg.classes, cfg.n_days)
    load = np.empty((cfg.n_days, cfg.slots))
    for i, c in enumerate(y):
        day = 0.3 + rng.gamma(2.0, 0.12, cfg.slots)
        for slot, height in ARCHETYPES[c]:
            centre = slot + rng.normal(0, 1.2)
            day += height * rng.uniform(0.7, 1.3) * np.exp(-0.5 * ((t - centre) / 1.5) ** 2)
        load[i] = day
    tokens = np.clip((load / 3.0 * cfg.levels).astype(np.int64), 0, cfg.levels - 1)
    return torch.from_numpy(tokens), torch.from_numpy(y.astype(np.int64))


class ProfileTransformer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.level = nn.Embedding(cfg.levels, cfg.width)
        self.pos = nn.Embedding(cfg.context, cfg.width)
        layer = nn.TransformerEncoderLayer(cfg.width, cfg.heads, 2 * cfg.width, cfg.dropout,
                                           activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, cfg.depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(cfg.width)
        self.out = nn.Linear(cfg.width, cfg.classes)
        for emb in (self.level, self.pos):
            nn.init.normal_(emb.weight, std=0.1)

    def forward(self, tokens):
        steps = torch.arange(tokens.size(1), device=tokens.device)
        steps = steps.clamp(max=self.cfg.context - 1)
        h = self.level(tokens) + self.pos(steps)
        h = self.norm(self.encoder(h))
        return self.out(h.mean(dim=1))


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        tokens, y = simulate_days(cfg)
        cut = int(0.8 * len(y))
        self.train_dl = DataLoader(TensorDataset(tokens[:cut], y[:cut]), cfg.batch, shuffle=True)
        self.valid_dl = DataLoader(TensorDataset(tokens[cut:], y[cut:]), 256)
        self.model = ProfileTransformer(cfg)
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=0.01)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(
            self.opt, cfg.lr, total_steps=cfg.epochs * len(self.train_dl), pct_start=0.15)
        self.criterion = nn.CrossEntropyLoss()

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.model.train()
            running = 0.0
            for tokens, y in self.train_dl:
                self.opt.zero_grad()
                loss = self.criterion(self.model(tokens), y)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.opt.step()
                self.sched.step()
                running += loss.item()
            loss, acc = self.validate()
            print(f"epoch {epoch:2d} | train {running / len(self.train_dl):.4f} | valid {loss:.4f} | acc {acc:.4f}")

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss, hits, n = 0.0, 0, 0
        for tokens, y in self.valid_dl:
            logits = self.model(tokens)
            loss += self.criterion(logits, y).item() * len(y)
            hits += (logits.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, hits / n


if __name__ == "__main__":
    Trainer(Config()).fit()
