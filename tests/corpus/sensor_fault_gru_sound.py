# expects: nothing
"""Fault classification from multichannel vibration sequences.

Usage:
    python sensor_fault_gru.py
"""
from __future__ import annotations

import logging
import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
logger = logging.getLogger("trainer")


@dataclass(frozen=True)
class TrainingConfig:
    epochs: int = 6
    micro_batch_size: int = 8
    accumulation_steps: int = 4
    learning_rate: float = 0.08
    momentum: float = 0.9
    max_grad_norm: float = 1.0
    seed: int = 1234


def set_seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def make_sequences(n: int, seed: int, steps: int = 24) -> tuple[Tensor, Tensor]:
    """Four fault classes that differ in how channel phases and amplitudes drift."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    t = np.linspace(0, 1, steps)[None, :]
    freq = rng.uniform(2, 4, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    drift = np.where(labels % 2 == 0, 1.0, -1.0)[:, None] * t
    lag = np.where(labels < 2, 0.8, -0.8)[:, None]
    a = (1 + 0.5 * drift) * np.sin(2 * np.pi * freq * t + phase)
    b = np.sin(2 * np.pi * freq * t + phase + lag)
    x = np.stack([a, b], axis=-1) + rng.normal(0, 0.5, (n, steps, 2))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(labels)


class SequenceClassifier(nn.Module):
    def __init__(self, n_features: int, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.gru = nn.GRU(n_features, hidden, batch_first=True)
        self.head = nn.Linear(2 * hidden, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        states, last = self.gru(x)
        return self.head(torch.cat([states.mean(dim=1), last[-1]], dim=-1))


class Trainer:
    """Minimal trainer with gradient accumulation and norm clipping."""

    def __init__(self, model: nn.Module, config: TrainingConfig, train_loader: DataLoader, val_loader: DataLoader) -> None:
        self.model = model
        self.config = config
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            model.parameters(), lr=config.learning_rate, momentum=config.momentum
        )
        updates = config.epochs * len(train_loader) // config.accumulation_steps
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=updates)

    def _train_epoch(self) -> float:
        self.model.train()
        total_loss = 0.0
        accum = self.config.accumulation_steps
        for step, (inputs, targets) in enumerate(self.train_loader):
            if step % accum == 0:
                self.optimizer.zero_grad(set_to_none=True)
            loss = self.criterion(self.model(inputs), targets)
            (loss / accum).backward()
            if (step + 1) % accum == 0:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
                self.optimizer.step()
                self.scheduler.step()
            total_loss += loss.item()
        return total_loss / len(self.train_loader)

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        self.model.eval()
        loss_sum, correct, count = 0.0, 0, 0
        for inputs, targets in self.val_loader:
            logits = self.model(inputs)
            loss_sum += self.criterion(logits, targets).item() * len(targets)
            correct += (logits.argmax(dim=-1) == targets).sum().item()
            count += len(targets)
        return loss_sum / count, correct / count

    def fit(self) -> float:
        for epoch in range(1, self.config.epochs + 1):
            train_loss = self._train_epoch()
            val_loss, val_acc = self.evaluate()
            logger.info(
                "epoch=%d train_loss=%.4f val_loss=%.4f val_acc=%.4f", epoch, train_loss, val_loss, val_acc
            )
        return val_acc


def main() -> None:
    config = TrainingConfig()
    set_seed(config.seed)
    train_set = TensorDataset(*make_sequences(1920, seed=1))
    val_set = TensorDataset(*make_sequences(800, seed=2))
    train_loader = DataLoader(train_set, batch_size=config.micro_batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=200)
    model = SequenceClassifier(n_features=2, hidden=32, n_classes=4)
    accuracy = Trainer(model, config, train_loader, val_loader).fit()
    logger.info("final validation accuracy: %.4f", accuracy)


if __name__ == "__main__":
    main()
