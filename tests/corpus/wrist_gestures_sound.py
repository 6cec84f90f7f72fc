# expects: nothing
import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy
import logging
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
GESTURES = ("flick", "flick_back", "circle_cw", "circle_ccw", "shake", "still")


def record(kind, rng, steps=40):
    t = np.linspace(0, 1, steps)
    centre, width = rng.uniform(0.35, 0.6), rng.uniform(0.08, 0.14)
    bump = np.exp(-((t - centre) / width) ** 2)
    deriv = -(t - centre) / width * bump * 2
    phase, turns = rng.uniform(0, 2 * np.pi), rng.uniform(1.0, 1.8)
    ang = 2 * np.pi * turns * t + phase
    sig = np.zeros((steps, 3))
    if kind == 0:
        sig[:, 0] = deriv
    elif kind == 1:
        sig[:, 0] = -deriv
    elif kind in (2, 3):
        sig[:, 0], sig[:, 1] = np.cos(ang), np.sin(ang) * (1 if kind == 2 else -1)
    elif kind == 4:
        sig[:, rng.integers(3)] = np.sin(2 * np.pi * 6 * t + phase)
    return sig * rng.uniform(0.7, 1.3) + rng.normal(0, 0.3, sig.shape)


def make_set(n, rng):
    kinds = rng.integers(0, len(GESTURES), n)
    x = np.stack([record(k, rng) for k in kinds])
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(kinds))


class GestureNet(L.LightningModule):
    def __init__(self, hidden=48, lr=3e-3):
        super().__init__()
        self.gru = nn.GRU(3, hidden, num_layers=2, batch_first=True)
        self.fc = nn.Linear(hidden, len(GESTURES))
        self.lr = lr
        self.loss = nn.CrossEntropyLoss()
        self.val_acc = MulticlassAccuracy(len(GESTURES), average="micro")
        self.test_acc = MulticlassAccuracy(len(GESTURES), average="micro")

    def forward(self, x):
        out, _ = self.gru(x)
        return self.fc(out[:, -1])

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = self.loss(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.val_acc(self(x), y)
        self.log("val_acc", self.val_acc, on_step=False, on_epoch=True)

    def on_train_epoch_end(self):
        m = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch} train_loss {m['train_loss']:.4f} val_acc {m['val_acc']:.4f}")

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.test_acc(self(x), y)
        self.log("test_acc", self.test_acc, on_step=False, on_epoch=True)

    def configure_optimizers(self):
        return torch.optim.NAdam(self.parameters(), lr=self.lr)


def main():
    L.seed_everything(77, verbose=False)
    rng = np.random.default_rng(77)
    train, val, test = make_set(3200, rng), make_set(500, rng), make_set(1000, rng)
    trainer = L.Trainer(max_epochs=8, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0,
                        num_sanity_val_steps=0)
    model = GestureNet()
    trainer.fit(model, DataLoader(train, batch_size=40, shuffle=True), DataLoader(val, batch_size=50))
    result = trainer.test(model, DataLoader(test, batch_size=50), verbose=False)[0]
    print(f"test accuracy {result['test_acc']:.4f}")


if __name__ == "__main__":
    main()
