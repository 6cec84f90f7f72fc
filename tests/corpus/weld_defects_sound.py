# expects: nothing
import logging
import warnings

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message=".*num_workers.*")

CLASSES = ["good", "pore", "crack", "undercut"]
SHARE = [0.955, 0.02, 0.015, 0.01]


def ultrasound(n, rng, length=48):
    y = rng.choice(len(CLASSES), n, p=SHARE)
    t = np.linspace(0, 1, length)
    x = np.sin(2 * np.pi * (3 * t + rng.random((n, 1)))) + rng.normal(0, 0.5, (n, length))
    at = rng.uniform(0.2, 0.8, (n, 1))
    echo = {1: np.exp(-((t - at) / 0.04) ** 2), 2: np.sign(t - at) * np.exp(-np.abs(t - at) / 0.06),
            3: -np.exp(-((t - at) / 0.09) ** 2)}
    for k, wave in echo.items():
        x += np.where((y == k)[:, None], 1.7 * wave, 0.0)
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y)


class WeldData(L.LightningDataModule):
    def __init__(self, seed=9):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.train_set = TensorDataset(*ultrasound(12000, rng))
        self.val_set = TensorDataset(*ultrasound(4000, rng))
        self.test_set = TensorDataset(*ultrasound(8000, rng))

    def class_weights(self):
        counts = torch.bincount(self.train_set.tensors[1], minlength=len(CLASSES)).float()
        return counts.sum() / (len(CLASSES) * counts)

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=128, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=1000)

    def test_dataloader(self):
        return DataLoader(self.test_set, batch_size=1000)


class WeldNet(L.LightningModule):
    def __init__(self, weights, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Conv1d(1, 12, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(12, 24, 5, padding=2), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
            nn.Linear(24, len(CLASSES)),
        )
        self.criterion = nn.CrossEntropyLoss(weight=weights)
        self.val_acc = MulticlassAccuracy(len(CLASSES), average="macro")
        self.test_acc = MulticlassAccuracy(len(CLASSES), average="macro")

    def training_step(self, batch, _):
        x, y = batch
        return self.criterion(self.net(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        self.val_acc.update(self.net(x), y)

    def on_validation_epoch_end(self):
        print(f"epoch {self.current_epoch} val_acc {self.val_acc.compute():.4f}")
        self.val_acc.reset()

    def test_step(self, batch, _):
        x, y = batch
        self.test_acc.update(self.net(x), y)

    def on_test_epoch_end(self):
        print(f"test_acc {self.test_acc.compute():.4f}")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def main():
    L.seed_everything(9, verbose=False)
    data = WeldData()
    model = WeldNet(data.class_weights())
    trainer = L.Trainer(
        max_epochs=14, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )
    trainer.fit(model, datamodule=data)
    trainer.test(model, datamodule=data, verbose=False)


if __name__ == "__main__":
    main()
