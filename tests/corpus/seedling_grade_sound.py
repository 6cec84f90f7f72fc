# expects: nothing
import logging
import tempfile
import warnings

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message=".*num_workers.*")


class SeedlingData(L.LightningDataModule):
    """Leaf morphology measurements, six nursery grades."""

    def __init__(self, batch_size=64, seed=21):
        super().__init__()
        self.batch_size, self.seed = batch_size, seed

    def setup(self, stage=None):
        x, y = make_classification(
            n_samples=6000, n_features=30, n_informative=14, n_redundant=6, n_classes=6,
            n_clusters_per_class=2, class_sep=1.3, flip_y=0.02, random_state=self.seed,
        )
        x_fit, x_test, y_fit, y_test = train_test_split(x, y, test_size=0.25, stratify=y, random_state=self.seed)
        x_tr, x_val, y_tr, y_val = train_test_split(x_fit, y_fit, test_size=0.2, stratify=y_fit, random_state=1)
        scaler = StandardScaler().fit(x_tr)

        def pack(a, b):
            return TensorDataset(torch.tensor(scaler.transform(a), dtype=torch.float32), torch.tensor(b))

        self.train_set, self.val_set, self.test_set = pack(x_tr, y_tr), pack(x_val, y_val), pack(x_test, y_test)

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=512)

    def test_dataloader(self):
        return DataLoader(self.test_set, batch_size=512)


class GradeNet(L.LightningModule):
    def __init__(self, width=96, lr=6e-4):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Linear(30, width), nn.ReLU(), nn.Dropout(0.15),
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.15),
            nn.Linear(width, 6),
        )
        self.criterion = nn.CrossEntropyLoss()
        self.val_acc = MulticlassAccuracy(num_classes=6, average="micro")
        self.test_acc = MulticlassAccuracy(num_classes=6, average="micro")

    def training_step(self, batch, _):
        x, y = batch
        loss = self.criterion(self.net(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.val_acc(self.net(x), y)
        self.log("val_acc", self.val_acc, on_epoch=True)

    def test_step(self, batch, _):
        x, y = batch
        self.test_acc(self.net(x), y)
        self.log("test_acc", self.test_acc, on_epoch=True)

    def on_train_epoch_end(self):
        m = self.trainer.callback_metrics
        if self.current_epoch % 5 == 4:
            print(f"epoch {self.current_epoch + 1:3d}  train_loss {m['train_loss']:.4f}  val_acc {m['val_acc']:.4f}")

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=1e-2)


if __name__ == "__main__":
    L.seed_everything(21)
    with tempfile.TemporaryDirectory() as folder:
        keeper = ModelCheckpoint(
            dirpath=folder,
            filename="{epoch}-{val_acc:.4f}",
            monitor="val_acc",
            mode="max",
            save_top_k=1,
        )
        trainer = L.Trainer(
            max_epochs=30, accelerator="cpu", callbacks=[keeper], logger=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        )
        data, model = SeedlingData(), GradeNet()
        trainer.fit(model, datamodule=data)
        print("loading", keeper.best_model_path.rsplit("/", 1)[-1])
        result = trainer.test(model, datamodule=data, ckpt_path="best", verbose=False, weights_only=True)[0]
        print(f"test accuracy of the kept model: {result['test_acc']:.4f}")
