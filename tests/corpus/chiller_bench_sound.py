# expects: nothing
"""Surrogate for the chiller test bench: coefficient of performance from 6 operating points."""
import copy
import logging
from typing import Optional

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
log = logging.getLogger("chiller")


def bench_measurements(n: int, rng: np.random.Generator) -> TensorDataset:
    u = rng.uniform(-1, 1, size=(n, 6))
    speed, lift, flow, valve, load, inlet = u.T
    cop = (1.2 * np.sin(4.0 * speed + 2.0 * lift) + np.cos(5.0 * flow * valve)
           + 1.0 * np.sin(6.0 * load) * lift + 0.8 * np.tanh(5 * (inlet - speed))
           + 0.7 * speed * load)
    cop = cop + 0.05 * rng.normal(size=n)
    return TensorDataset(torch.tensor(u, dtype=torch.float32), torch.tensor(cop, dtype=torch.float32))


class Surrogate(nn.Module):
    def __init__(self, inputs: int = 6, hidden: int = 96):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(),
                                 nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x).squeeze(-1)


class EarlyStopping:
    def __init__(self, patience: int):
        self.patience = patience
        self.best = float("inf")
        self.bad_epochs = 0

    def update(self, value: float) -> bool:
        improved = value < self.best
        if improved:
            self.best = value
            self.bad_epochs = 0
        else:
            self.bad_epochs += 1
        return improved

    @property
    def should_stop(self) -> bool:
        return self.bad_epochs >= self.patience


class Trainer:
    def __init__(self, model: nn.Module, lr: float, max_epochs: int, patience: int):
        self.model = model
        self.max_epochs = max_epochs
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.stopper = EarlyStopping(patience)
        self.best_state: Optional[dict] = None

    def _run_epoch(self, loader: DataLoader) -> float:
        self.model.train()
        total = 0.0
        for x, y in loader:
            self.optimizer.zero_grad()
            loss = nn.functional.mse_loss(self.model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            total += loss.item() * len(x)
        return total / len(loader.dataset)

    @torch.no_grad()
    def rmse(self, loader: DataLoader) -> float:
        self.model.eval()
        sq = sum(((self.model(x) - y) ** 2).sum().item() for x, y in loader)
        return (sq / len(loader.dataset)) ** 0.5

    def fit(self, train_loader: DataLoader, val_loader: DataLoader) -> None:
        for epoch in range(1, self.max_epochs + 1):
            train_loss = self._run_epoch(train_loader)
            val = self.rmse(val_loader)
            if self.stopper.update(val):
                self.best_state = copy.deepcopy(self.model.state_dict())
            log.info("epoch %02d train %.5f val rmse %.4f", epoch, train_loss, val)
            if self.stopper.should_stop:
                log.info("early stop at epoch %d", epoch)
                break
        self.model.load_state_dict(self.best_state)


def main() -> None:
    torch.manual_seed(7)
    data = bench_measurements(8000, np.random.default_rng(7))
    train, val, test = random_split(data, [6000, 1000, 1000])
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    val_loader, test_loader = DataLoader(val, batch_size=500), DataLoader(test, batch_size=500)

    trainer = Trainer(Surrogate(), lr=3e-3, max_epochs=80, patience=10)
    trainer.fit(train_loader, val_loader)
    log.info("test rmse %.4f", trainer.rmse(test_loader))


if __name__ == "__main__":
    main()
