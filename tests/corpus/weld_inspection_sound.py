# expects: nothing
import warnings

import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchmetrics
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
CLASSES = ("good", "porosity", "crack")


class WeldData(L.LightningDataModule):
    def __init__(self, batch_size=128):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage=None):
        x, y = make_classification(
            n_samples=24000, n_features=24, n_informative=12, n_redundant=4, n_classes=3,
            n_clusters_per_class=2, weights=[0.962, 0.025, 0.013], class_sep=0.9, flip_y=0.0, random_state=8)
        x_tr, x_rest, y_tr, y_rest = train_test_split(x, y, test_size=0.5, stratify=y, random_state=8)
        x_va, x_te, y_va, y_te = train_test_split(x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=8)
        scaler = StandardScaler().fit(x_tr)

        def pack(a, b):
            return TensorDataset(torch.tensor(scaler.transform(a), dtype=torch.float32), torch.tensor(b))

        self.train, self.val, self.test = pack(x_tr, y_tr), pack(x_va, y_va), pack(x_te, y_te)
        self.counts = torch.bincount(torch.tensor(y_tr), minlength=3)

    def train_dataloader(self):
        return DataLoader(self.train, self.batch_size, shuffle=True, drop_last=True)

    def val_dataloader(self):
        return DataLoader(self.val, 1000)

    def test_dataloader(self):
        return DataLoader(self.test, 1000)


class WeldNet(L.LightningModule):
    def __init__(self, counts, lr=1e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Linear(24, 64), nn.GELU(), nn.Dropout(0.3),
            nn.Linear(64, 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, 3))
        self.register_buffer("weight", counts.sum() / (3.0 * counts))
        self.val_acc = torchmetrics.Accuracy(task="multiclass", num_classes=3, average="macro")
        self.test_acc = torchmetrics.Accuracy(task="multiclass", num_classes=3, average="macro")

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self(x), y, weight=self.weight)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.val_acc(self(x), y)
        self.log("val_acc", self.val_acc)

    def test_step(self, batch, _):
        x, y = batch
        self.test_acc(self(x), y)
        self.log("test_acc", self.test_acc)

    def on_train_epoch_end(self):
        m = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch:2d} loss {m['train_loss']:.4f} val acc {m['val_acc']:.4f}", flush=True)

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=1e-2)
        return {"optimizer": opt, "lr_scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(opt, 20)}


def main():
    L.seed_everything(8, verbose=False)
    data = WeldData()
    data.setup()
    print("training counts:", dict(zip(CLASSES, data.counts.tolist())))
    model = WeldNet(data.counts)
    trainer = L.Trainer(
        max_epochs=20, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(model, datamodule=data)
    result = trainer.test(model, datamodule=data, verbose=False)[0]
    print(f"test accuracy {result['test_acc']:.4f}")


if __name__ == "__main__":
    main()
