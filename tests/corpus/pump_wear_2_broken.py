# bug: every fifth window is held out rather than every fifth pump: windows overlap (stride 32, length 128) and the same pumps are on both sides
# expects: DAT052
import warnings
import logging

import lightning as L
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

N_PUMPS, SIGNAL, WINDOW, STRIDE = 150, 896, 128, 32


def pump_signal(rng, wear):
    """Three-axis vibration of one pump: mounting angle, shaft tone, and broadband noise that grows with wear."""
    t = np.arange(SIGNAL)
    tone = np.sin(2 * np.pi * rng.uniform(0.02, 0.06) * t + rng.uniform(0, 6.28))
    angle = rng.normal(0, 1.0, (3, 1))
    gain = rng.uniform(0.6, 1.4, (3, 1))
    noise = (0.3 + 0.7 * wear) * rng.lognormal(0, 0.16) * rng.normal(0, 1, (3, SIGNAL))
    return angle + gain * tone + noise


class PumpData(L.LightningDataModule):
    def __init__(self, seed=17, batch_size=64):
        super().__init__()
        self.seed, self.batch_size = seed, batch_size

    def setup(self, stage=None):
        rng = np.random.default_rng(self.seed)
        windows, wear, pump = [], [], []
        for p in range(N_PUMPS):
            level = rng.uniform(0, 1)
            sig = pump_signal(rng, level)
            for start in range(0, SIGNAL - WINDOW + 1, STRIDE):
                windows.append(sig[:, start:start + WINDOW])
                wear.append(level)
                pump.append(p)
        x, y, pump = np.array(windows), np.array(wear), np.array(pump)
        fold = np.arange(len(x)) % 5
        test, val = fold == 0, fold == 1
        train = ~(test | val)
        mean = x[train].mean((0, 2), keepdims=True)
        std = x[train].std((0, 2), keepdims=True)
        x = torch.tensor((x - mean) / std, dtype=torch.float32)
        y = torch.tensor(y, dtype=torch.float32)
        self.sets = {k: TensorDataset(x[m], y[m]) for k, m in (("train", train), ("val", val), ("test", test))}
        print({k: len(s) for k, s in self.sets.items()})

    def train_dataloader(self):
        return DataLoader(self.sets["train"], batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.sets["val"], batch_size=256)

    def test_dataloader(self):
        return DataLoader(self.sets["test"], batch_size=256)


class WearModel(L.LightningModule):
    def __init__(self, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.conv = nn.Sequential(
            nn.Conv1d(3, 32, 7, stride=2, padding=3), nn.ReLU(),
            nn.Conv1d(32, 48, 5, stride=2, padding=2), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 1))
        self.buffer = []

    def forward(self, x):
        return self.head(self.conv(x).mean(2)).squeeze(1)

    def training_step(self, batch, _):
        x, y = batch
        return nn.functional.mse_loss(self(x), y)

    def validation_step(self, batch, _):
        self.buffer.append(torch.stack([self(batch[0]), batch[1]]))

    test_step = validation_step

    def _scores(self):
        pred, y = torch.cat(self.buffer, dim=1)
        self.buffer.clear()
        r2 = 1 - (pred - y).pow(2).sum() / (y - y.mean()).pow(2).sum()
        return (pred - y).abs().mean().item(), r2.item()

    def on_validation_epoch_end(self):
        mae, r2 = self._scores()
        print(f"epoch {self.current_epoch} val mae {mae:.3f} r2 {r2:.3f}")

    def on_test_epoch_end(self):
        mae, r2 = self._scores()
        print(f"TEST mae {mae:.3f} r2 {r2:.3f}")

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=1e-2)
        steps = self.trainer.estimated_stepping_batches
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=steps)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


if __name__ == "__main__":
    L.seed_everything(17, verbose=False)
    data = PumpData()
    model = WearModel()
    trainer = L.Trainer(max_epochs=16, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
                        gradient_clip_val=1.0)
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
