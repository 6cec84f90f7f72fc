# bug: a debugging limit max_samples=128 was left in the data module call, so the net memorises 128 spectra: train perfect, validation poor
# expects: TRN019
"""Wheat variety from near-infrared spectra (Lightning)."""
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

N_VARIETIES = 6
N_BANDS = 160


def simulate_spectra(n, gen):
    grid = np.linspace(0, 1, N_BANDS)
    proto_rng = np.random.default_rng(77)
    centres = proto_rng.uniform(0.1, 0.9, (N_VARIETIES, 4))
    heights = proto_rng.uniform(0.06, 0.16, (N_VARIETIES, 4))
    y = gen.integers(0, N_VARIETIES, n)
    x = np.zeros((n, N_BANDS))
    for i, k in enumerate(y):
        baseline = gen.normal(0, 0.4) + gen.normal(0, 0.6) * grid + gen.normal(0, 0.5) * grid ** 2
        ripple = gen.normal(0, 0.15) * np.sin(2 * np.pi * (gen.uniform(1, 3) * grid + gen.random()))
        peaks = sum(h * np.exp(-((grid - c) / 0.03) ** 2) for c, h in zip(centres[k], heights[k]))
        x[i] = baseline + ripple + peaks * gen.uniform(0.7, 1.3) + gen.normal(0, 0.05, N_BANDS)
    return x.astype(np.float32), y.astype(np.int64)


class SpectraModule(L.LightningDataModule):
    def __init__(self, batch_size=32, max_samples=None):
        super().__init__()
        self.batch_size = batch_size
        self.max_samples = max_samples

    def setup(self, stage=None):
        gen = np.random.default_rng(21)
        x, y = simulate_spectra(5200, gen)
        x_tr, y_tr = x[:4200][:self.max_samples], y[:4200][:self.max_samples]
        mean, std = x_tr.mean(0), x_tr.std(0) + 1e-6
        self.train = TensorDataset(torch.from_numpy((x_tr - mean) / std), torch.from_numpy(y_tr))
        self.val = TensorDataset(torch.from_numpy((x[4200:] - mean) / std), torch.from_numpy(y[4200:]))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=250)


class VarietyClassifier(L.LightningModule):
    def __init__(self, lr=1e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Linear(N_BANDS, 256), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(256, 128), nn.GELU(),
            nn.Linear(128, N_VARIETIES),
        )
        self.hits = {"train": [0, 0], "val": [0, 0]}

    def forward(self, x):
        return self.net(x)

    def _shared(self, batch, split):
        x, y = batch
        logits = self(x)
        self.hits[split][0] += (logits.argmax(1) == y).sum().item()
        self.hits[split][1] += len(y)
        return F.cross_entropy(logits, y)

    def training_step(self, batch, batch_idx):
        return self._shared(batch, "train")

    def validation_step(self, batch, batch_idx):
        self._shared(batch, "val")

    def on_validation_epoch_end(self):
        shown = {k: h / max(t, 1) for k, (h, t) in self.hits.items()}
        print(f"step {self.global_step:5d}  train acc {shown['train']:.3f}  val acc {shown['val']:.3f}")
        self.hits = {"train": [0, 0], "val": [0, 0]}

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=1e-2)
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, self.trainer.max_steps)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


if __name__ == "__main__":
    L.seed_everything(8, verbose=False)
    data = SpectraModule(batch_size=32, max_samples=128)
    model = VarietyClassifier()
    trainer = L.Trainer(
        max_steps=1600,
        max_epochs=-1,
        val_check_interval=400,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, data)
