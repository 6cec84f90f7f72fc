# expects: nothing
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Subset
from torchmetrics.classification import MulticlassAccuracy

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
CLASSES = ("healthy", "inner", "outer", "ball")


def simulate(n, seed, length=256):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(CLASSES), n)
    period = {1: 23, 2: 31, 3: 41}
    t = np.arange(length)
    clips = np.zeros((n, length), dtype=np.float32)
    for i, c in enumerate(labels):
        clips[i] = 0.8 * np.sin(2 * np.pi * t / rng.uniform(55, 65) + rng.uniform(0, 6.28))
        if c:
            p = period[c] * rng.uniform(0.97, 1.03)
            for hit in np.arange(rng.uniform(0, p), length, p):
                k = t - hit
                clips[i] += np.where(k >= 0, np.exp(-np.clip(k, 0, 60) / 4) * np.sin(1.4 * k), 0) * rng.uniform(0.9, 1.4)
    clips += rng.normal(0, 0.25, clips.shape).astype(np.float32)
    return torch.from_numpy(clips), torch.from_numpy(labels)


class BearingClips(Dataset):
    def __init__(self, clips, labels, augment=False):
        self.clips, self.labels, self.augment = clips, labels, augment

    def __len__(self):
        return len(self.labels)

    def _perturb(self, x):
        x = torch.roll(x, int(torch.randint(0, x.numel(), ())))
        x = x * (0.6 + 0.8 * torch.rand(()))
        start = int(torch.randint(0, 160, ()))
        x[start:start + 96] = 0.0
        return x + 0.25 * torch.randn_like(x)

    def __getitem__(self, i):
        x = self.clips[i].clone()
        if self.augment:
            x = self._perturb(x)
        return x.unsqueeze(0), self.labels[i]


class BearingData(L.LightningDataModule):
    def __init__(self, n=4000, batch_size=64, seed=27):
        super().__init__()
        self.n, self.batch_size, self.seed = n, batch_size, seed

    def setup(self, stage=None):
        clips, labels = simulate(self.n, self.seed)
        order = torch.randperm(self.n, generator=torch.Generator().manual_seed(self.seed)).tolist()
        a, b = int(0.7 * self.n), int(0.8 * self.n)
        noisy = BearingClips(clips, labels, augment=True)
        plain = BearingClips(clips, labels)
        self.train = Subset(noisy, order[:a])
        self.val = Subset(plain, order[a:b])
        self.test = Subset(plain, order[b:])

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=200)

    def test_dataloader(self):
        return DataLoader(self.test, batch_size=200)


class FaultNet(L.LightningModule):
    def __init__(self, width=24, lr=3e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Conv1d(1, width, 9, stride=2, padding=4), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 7, stride=2, padding=3), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, 2 * width, 15, padding=7), nn.BatchNorm1d(2 * width), nn.ReLU(),
            nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(2 * width, len(CLASSES)),
        )
        self.val_acc = MulticlassAccuracy(len(CLASSES), average="micro")
        self.test_acc = MulticlassAccuracy(len(CLASSES), average="micro")
        self.train_losses = []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.train_losses.append(loss.item())
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.val_acc.update(self(x), y)

    def on_validation_epoch_end(self):
        mean = sum(self.train_losses) / max(1, len(self.train_losses))
        self.train_losses.clear()
        print(f"epoch {self.current_epoch}: train loss {mean:.4f}  val acc {self.val_acc.compute():.4f}")
        self.val_acc.reset()

    def test_step(self, batch, _):
        x, y = batch
        self.test_acc.update(self(x), y)

    def on_test_epoch_end(self):
        print(f"test acc {self.test_acc.compute():.4f}")

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=1e-3)
        total = self.trainer.estimated_stepping_batches
        sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=self.lr, total_steps=total)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


if __name__ == "__main__":
    L.seed_everything(27, verbose=False)
    trainer = L.Trainer(max_epochs=12, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    data, model = BearingData(), FaultNet()
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
