# bug: the (batch, time, features) tensor is reshaped to (time, batch, features) instead of transposed (WearModel.forward), so each sequence fed to the GRU is pieced together from other pumps of the batch
# expects: MOD012
import logging
import warnings

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.regression import R2Score

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

STEPS = 30
SENSORS = 5


def simulate_pumps(n, seed):
    """Hourly readings of pumps; the target is the wear after the last hour."""
    rng = np.random.default_rng(seed)
    load = np.clip(rng.normal(0.5, 0.15, (n, 1)) + 0.2 * rng.normal(size=(n, STEPS)), 0, 1.2)
    temp = 40 + 25 * load + 2 * rng.normal(size=(n, STEPS))
    grit = rng.gamma(2.0, 0.4, (n, STEPS))
    flow = 12 * load - 1.5 * grit + 0.8 * rng.normal(size=(n, STEPS))
    hum = rng.normal(50, 2, (n, STEPS))
    wear = np.zeros(n)
    for k in range(STEPS):
        hot = temp[:, k] > 58
        wear = 0.96 * wear + 0.05 * load[:, k] * grit[:, k] + 0.06 * hot
    wear += 0.02 * rng.normal(size=n)
    readings = np.stack([load, temp, grit, flow, hum], axis=-1)
    return torch.tensor(readings, dtype=torch.float32), torch.tensor(wear, dtype=torch.float32)


class WearModel(L.LightningModule):
    def __init__(self, hidden=40, lr=4e-3):
        super().__init__()
        self.lr = lr
        self.rnn = nn.GRU(SENSORS, hidden)
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, 1))
        self.r2 = R2Score()

    def forward(self, x):
        batch = x.size(0)
        x = x.reshape(STEPS, batch, SENSORS)
        _, last = self.rnn(x)
        return self.head(last.view(batch, -1)).squeeze(-1)

    def training_step(self, batch, _):
        x, y = batch
        loss = nn.functional.smooth_l1_loss(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.r2.update(self(x), y)

    def on_validation_epoch_end(self):
        self.log("val_r2", self.r2.compute())
        self.r2.reset()

    def configure_optimizers(self):
        opt = torch.optim.RAdam(self.parameters(), lr=self.lr)
        sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.9)
        return {"optimizer": opt, "lr_scheduler": sched}


class PrintEpoch(L.Callback):
    def on_train_epoch_end(self, trainer, module):
        m = trainer.callback_metrics
        print(f"epoch {trainer.current_epoch}: train loss {m['train_loss']:.4f}  val R2 {m['val_r2']:.3f}")


def main():
    L.seed_everything(12)
    x_train, y_train = simulate_pumps(3000, seed=1)
    x_val, y_val = simulate_pumps(800, seed=2)
    mean, std = x_train.mean((0, 1)), x_train.std((0, 1))
    y_mean, y_std = y_train.mean(), y_train.std()
    train = TensorDataset((x_train - mean) / std, (y_train - y_mean) / y_std)
    val = TensorDataset((x_val - mean) / std, (y_val - y_mean) / y_std)

    trainer = L.Trainer(
        max_epochs=10, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        gradient_clip_val=1.0, callbacks=[PrintEpoch()],
    )
    model = WearModel()
    trainer.fit(model, DataLoader(train, batch_size=50, shuffle=True), DataLoader(val, batch_size=50))
    result = trainer.validate(model, DataLoader(val, batch_size=50), verbose=False)[0]
    print(f"held-out pumps: R2 {result['val_r2']:.3f}")


if __name__ == "__main__":
    main()
