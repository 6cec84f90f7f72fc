# bug: fillna(0) on the whole survey also fills the missing lab results, so 40% of the targets (training and test) are a made-up 0
# expects: DAT046
"""Predict soil clay and organic carbon from cheap field readings."""
import numpy as np
import pandas as pd
import torch
import lightning as L
from torch.utils.data import DataLoader, TensorDataset

FIELD = ["ec", "ph", "moisture", "red", "nir", "slope", "elevation", "rain"]
LAB = ["clay_pct", "carbon_pct"]


def survey(n=9000, seed=31):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 4))
    df = pd.DataFrame({
        "ec": 80 + 20 * z[:, 0] + rng.normal(0, 5, n),
        "ph": 6.5 + 0.6 * z[:, 1] + rng.normal(0, 0.1, n),
        "moisture": 25 + 6 * z[:, 0] - 3 * z[:, 2] + rng.normal(0, 2, n),
        "red": 0.25 - 0.05 * z[:, 2] + rng.normal(0, 0.01, n),
        "nir": 0.4 + 0.06 * z[:, 2] + 0.02 * z[:, 3] + rng.normal(0, 0.01, n),
        "slope": np.abs(4 * z[:, 3] + rng.normal(0, 1, n)),
        "elevation": 300 + 60 * z[:, 3] + rng.normal(0, 10, n),
        "rain": 700 + 80 * z[:, 1] + rng.normal(0, 30, n),
    })
    df["clay_pct"] = (28 + 7 * z[:, 0] + 3 * z[:, 0] * z[:, 1] - 2 * z[:, 3] ** 2 + rng.normal(0, 1.5, n)).clip(2, 70)
    df["carbon_pct"] = (2.5 + 0.7 * z[:, 2] + 0.4 * np.tanh(z[:, 1] * z[:, 3]) + rng.normal(0, 0.15, n)).clip(0.1, 8)
    df.loc[rng.uniform(size=n) < 0.05, "moisture"] = np.nan
    lost = rng.uniform(size=n) < 0.4
    df.loc[lost, LAB] = np.nan
    return df.sample(frac=1.0, random_state=seed).reset_index(drop=True)


def prepare():
    df = survey()
    df = df.fillna(0)
    a, b = int(0.7 * len(df)), int(0.85 * len(df))
    train = df.iloc[:a]
    centre, spread = train.mean(), train.std()
    scaled = ((df - centre) / spread)
    x = torch.tensor(scaled[FIELD].to_numpy(), dtype=torch.float32)
    y = torch.tensor(scaled[LAB].to_numpy(), dtype=torch.float32)
    parts = [TensorDataset(x[i:j], y[i:j]) for i, j in ((0, a), (a, b), (b, len(df)))]
    return parts, spread[LAB].to_numpy()


class SoilModel(L.LightningModule):
    def __init__(self, n_in, spread):
        super().__init__()
        self.spread = torch.tensor(spread, dtype=torch.float32)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(n_in, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 2))
        self.seen = []

    def training_step(self, batch, _):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.net(x), y)
        self.seen.append(loss.item())
        return loss

    def on_train_epoch_end(self):
        if self.current_epoch % 5 == 4:
            print(f"epoch {self.current_epoch + 1}: train loss {np.mean(self.seen):.4f}")
        self.seen.clear()

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self.net(x), y), on_epoch=True)

    def test_step(self, batch, _):
        x, y = batch
        err = (self.net(x) - y).abs().mean(0) * self.spread
        for name, e in zip(LAB, err):
            self.log(f"test_mae_{name}", e, on_epoch=True)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=2e-3)


if __name__ == "__main__":
    L.seed_everything(31)
    (train_ds, val_ds, test_ds), spread = prepare()
    print(f"{len(train_ds)} train, {len(val_ds)} validation, {len(test_ds)} test samples")
    trainer = L.Trainer(max_epochs=20, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    model = SoilModel(len(FIELD), spread)
    trainer.fit(model, DataLoader(train_ds, batch_size=32, shuffle=True), DataLoader(val_ds, batch_size=512))
    print(f"validation loss {trainer.callback_metrics['val_loss'].item():.4f}")
    trainer.test(model, DataLoader(test_ds, batch_size=512))
