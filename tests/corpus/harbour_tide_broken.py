# bug: manual accumulation over 8 micro-batches without dividing the loss, gradients and effective rate are 8 times too large
# expects: OPT015
import logging
import warnings

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore", ".*does not have many workers.*")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

LAGS, AHEAD = 72, 12


def gauge(hours, rng):
    t = np.arange(hours)
    periods = [12.42, 12.0, 12.66, 23.93, 25.82]
    heights = [1.6, 0.55, 0.33, 0.25, 0.18]
    level = sum(h * np.sin(2 * np.pi * t / p + rng.uniform(0, 6.28)) for h, p in zip(heights, periods))
    surge = np.zeros(hours)
    for i in range(1, hours):
        surge[i] = 0.97 * surge[i - 1] + rng.normal(0, 0.05)
    return (level + 0.15 * level ** 2 + surge + rng.normal(0, 0.03, hours)).astype(np.float32)


class TideData(L.LightningDataModule):
    def __init__(self, micro_batch=16):
        super().__init__()
        self.micro_batch = micro_batch

    def setup(self, stage=None):
        series = gauge(9000, np.random.default_rng(6))
        a, b = 7000, 8000
        series = (series - series[:a].mean()) / series[:a].std()
        self.train, self.val, self.test = (self.cut(p) for p in (series[:a], series[a:b], series[b:]))

    @staticmethod
    def cut(part):
        view = np.lib.stride_tricks.sliding_window_view(part, LAGS + AHEAD).copy()
        view = torch.from_numpy(view)
        return TensorDataset(view[:, :LAGS], view[:, LAGS:])

    def train_dataloader(self):
        return DataLoader(self.train, self.micro_batch, shuffle=True, drop_last=True)

    def val_dataloader(self):
        return DataLoader(self.val, 256)

    def test_dataloader(self):
        return DataLoader(self.test, 256)


class TideNet(L.LightningModule):
    def __init__(self, lr=0.4, accumulate=8):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.net = nn.Sequential(
            nn.Linear(LAGS, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, AHEAD))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.smooth_l1_loss(self.net(x), y)
        self.manual_backward(loss)
        if (batch_idx + 1) % self.hparams.accumulate == 0:
            opt = self.optimizers()
            opt.step()
            opt.zero_grad()
        self.log("train_loss", loss, on_step=False, on_epoch=True)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_mse", nn.functional.mse_loss(self.net(x), y))

    def on_validation_epoch_end(self):
        got = self.trainer.callback_metrics
        if not self.trainer.sanity_checking:
            print(f"epoch {self.current_epoch} val mse {got['val_mse']:.4f}")

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.log("test_mse", nn.functional.mse_loss(self.net(x), y))


if __name__ == "__main__":
    L.seed_everything(6, verbose=False)
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=9, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    model, data = TideNet(), TideData()
    trainer.fit(model, data)
    result = trainer.test(model, data, verbose=False)[0]
    print(f"optimizer steps {trainer.global_step}, test mse {result['test_mse']:.4f} (variance 1)")
