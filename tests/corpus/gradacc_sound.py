# expects: nothing
import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    micro_batch: int = 8       # what fits on the card
    effective_batch: int = 128 # what the optimizer should see
    epochs: int = 14
    lr: float = 4e-3
    hidden: int = 96
    clip: float = 1.0
    seed: int = 11


class ScanlineGRU(nn.Module):
    """Reads an 8x8 scan one line at a time, as the line sensor delivers it."""

    def __init__(self, hidden, n_classes=10):
        super().__init__()
        self.rnn = nn.GRU(8, hidden, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * hidden)
        self.fc = nn.Linear(2 * hidden, n_classes)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(self.norm(out.mean(dim=1)))


class Trainer:
    def __init__(self, cfg, model, train_loader, val_loader):
        self.cfg = cfg
        self.model = model
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.loss_fn = nn.CrossEntropyLoss()
        self.opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=1e-2)
        self.accum = cfg.effective_batch // cfg.micro_batch
        self.micro_step = 0

    def train_epoch(self):
        self.model.train()
        total, n = 0.0, 0
        for x, y in self.train_loader:
            loss = self.loss_fn(self.model(x), y)
            (loss / self.accum).backward()
            self.micro_step += 1
            if self.micro_step % self.accum == 0:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
                self.opt.step()
                self.opt.zero_grad(set_to_none=True)
            total += loss.item() * len(x)
            n += len(x)
        return total / n

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss, hits, n = 0.0, 0, 0
        for x, y in self.val_loader:
            logits = self.model(x)
            loss += self.loss_fn(logits, y).item() * len(x)
            hits += (logits.argmax(1) == y).sum().item()
            n += len(x)
        return loss / n, hits / n

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            tr = self.train_epoch()
            va, acc = self.validate()
            print(f"epoch {epoch:2d}  train loss {tr:.4f}  val loss {va:.4f}  val acc {acc:.4f}")
        return acc


def make_loaders(cfg):
    d = load_digits()
    x = (d.images / 16.0).astype(np.float32)
    x_tr, x_va, y_tr, y_va = train_test_split(
        x, d.target, test_size=0.2, stratify=d.target, random_state=cfg.seed)
    mean, std = x_tr.mean(), x_tr.std()
    sets = [TensorDataset(torch.from_numpy((a - mean) / std), torch.from_numpy(b).long())
            for a, b in ((x_tr, y_tr), (x_va, y_va))]
    return (DataLoader(sets[0], batch_size=cfg.micro_batch, shuffle=True, drop_last=True),
            DataLoader(sets[1], batch_size=256))


def main():
    cfg = Config()
    random.seed(cfg.seed)
    np.random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    train_loader, val_loader = make_loaders(cfg)
    trainer = Trainer(cfg, ScanlineGRU(cfg.hidden), train_loader, val_loader)
    acc = trainer.fit()
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
