# bug: BatchNorm momentum=0.99 copied from Keras convention in conv_bn, in PyTorch the running statistics are then just the last batch
# expects: MOD015
"""Port of our Keras leaf-spot classifier to Lightning. Small crops, small batches (annotator workstation)."""
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
CLASSES = ["healthy", "rust", "mildew", "blight", "mosaic"]


def crops(n, rng):
    yy, xx = np.mgrid[:16, :16] / 15.0
    labels = rng.integers(0, len(CLASSES), n)
    out = np.empty((n, 3, 16, 16), dtype=np.float32)
    for i, c in enumerate(labels):
        light = rng.normal(0, 0.9)
        img = np.stack([0.3 + 0 * xx, 0.6 + 0.1 * yy, 0.2 + 0 * xx]) + light
        if c == 1:
            for _ in range(rng.integers(2, 6)):
                a, b = rng.uniform(0, 1, 2)
                img[0] += 0.5 * np.exp(-((xx - a) ** 2 + (yy - b) ** 2) / 0.006)
        elif c == 2:
            a, b = rng.uniform(0.2, 0.8, 2)
            img += 0.35 * np.exp(-((xx - a) ** 2 + (yy - b) ** 2) / 0.06)
        elif c == 3:
            edge = rng.uniform(0.3, 0.7)
            img -= 0.3 / (1 + np.exp(-(xx - edge) * 14)) * np.array([0.3, 1.0, 0.3])[:, None, None]
        elif c == 4:
            k = rng.uniform(14, 22)
            img[1] += 0.2 * np.sign(np.sin(k * xx + rng.uniform(0, 6)) * np.sin(k * yy + rng.uniform(0, 6)))
        out[i] = img + rng.normal(0, 0.2, img.shape)
    return torch.from_numpy(out), torch.from_numpy(labels.astype(np.int64))


def conv_bn(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout, eps=1e-3, momentum=0.99),
        nn.ReLU(),
    )


class LeafNet(L.LightningModule):
    def __init__(self, lr=1e-3, epochs=6):
        super().__init__()
        self.save_hyperparameters()
        self.features = nn.Sequential(
            conv_bn(3, 24), conv_bn(24, 24), nn.MaxPool2d(2),
            conv_bn(24, 48), conv_bn(48, 48), nn.MaxPool2d(2),
            conv_bn(48, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )
        self.classifier = nn.Linear(64, len(CLASSES))

    def forward(self, x):
        return self.classifier(self.features(x))

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        out = self(x)
        self.log("val_loss", F.cross_entropy(out, y), batch_size=len(y))
        self.log("val_acc", (out.argmax(1) == y).float().mean(), batch_size=len(y))

    def on_train_epoch_end(self):
        m = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch:2d}  train_loss {m['train_loss']:.4f}  "
              f"val_loss {m['val_loss']:.4f}  val_acc {m['val_acc']:.4f}")

    def configure_optimizers(self):
        opt = torch.optim.Adam(self.parameters(), lr=self.hparams.lr, eps=1e-7)
        return [opt], [torch.optim.lr_scheduler.CosineAnnealingLR(opt, self.hparams.epochs)]


def main():
    L.seed_everything(4)
    rng = np.random.default_rng(4)
    x_tr, y_tr = crops(1200, rng)
    x_va, y_va = crops(600, rng)
    x_te, y_te = crops(1200, rng)
    mean, std = x_tr.mean((0, 2, 3), keepdim=True), x_tr.std((0, 2, 3), keepdim=True)

    def loader(x, y, size, shuffle=False):
        return DataLoader(TensorDataset((x - mean) / std, y), batch_size=size, shuffle=shuffle, drop_last=shuffle)

    model = LeafNet()
    trainer = L.Trainer(max_epochs=model.hparams.epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(model, loader(x_tr, y_tr, 4, True), loader(x_va, y_va, 200))
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader(x_te, y_te, 200))
    print(f"test accuracy {hits / len(y_te):.4f} on {len(y_te)} crops")


if __name__ == "__main__":
    main()
