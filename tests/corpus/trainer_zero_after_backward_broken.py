# bug: zero_grad stands between backward and step, so the optimizer only ever sees zero gradients
# expects: OPT004
import logging
from dataclasses import dataclass

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
log = logging.getLogger("wine")


@dataclass
class Config:
    seed: int = 7
    batch_size: int = 16
    hidden: int = 32
    epochs: int = 25
    lr: float = 1e-2
    weight_decay: float = 1e-4


class Trainer:
    def __init__(self, model: nn.Module, train: DataLoader, val: DataLoader, cfg: Config):
        self.model = model
        self.train_loader = train
        self.val_loader = val
        self.cfg = cfg
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
        self.global_step = 0

    def train_step(self, batch) -> float:
        x, y = batch
        self.model.train()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.optimizer.zero_grad(set_to_none=False)
        self.optimizer.step()
        self.global_step += 1
        return loss.item()

    @torch.no_grad()
    def validate(self) -> tuple[float, float]:
        self.model.eval()
        total, correct, n = 0.0, 0, 0
        for x, y in self.val_loader:
            logits = self.model(x)
            total += self.criterion(logits, y).item() * len(y)
            correct += (logits.argmax(1) == y).sum().item()
            n += len(y)
        return total / n, correct / n

    def fit(self) -> None:
        for epoch in range(self.cfg.epochs):
            losses = [self.train_step(batch) for batch in self.train_loader]
            val_loss, val_acc = self.validate()
            if epoch % 4 == 0 or epoch == self.cfg.epochs - 1:
                log.info("epoch %d step %d train %.4f val %.4f acc %.3f", epoch, self.global_step,
                         sum(losses) / len(losses), val_loss, val_acc)


def main() -> None:
    cfg = Config()
    torch.manual_seed(cfg.seed)
    data = load_wine()
    x = torch.tensor(StandardScaler().fit_transform(data.data), dtype=torch.float32)
    y = torch.tensor(data.target)
    train, val = random_split(TensorDataset(x, y), [138, 40])
    model = nn.Sequential(nn.Linear(13, cfg.hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(cfg.hidden, 3))
    Trainer(model, DataLoader(train, cfg.batch_size, shuffle=True), DataLoader(val, 64), cfg).fit()


if __name__ == "__main__":
    main()
