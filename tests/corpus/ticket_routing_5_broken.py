# bug: in setup(): pos_weight is positives over negatives, the inverse of what it should be
# expects: LOS010
"""Multi-label routing of support tickets to queues, bag of words, with Lightning."""
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.functional.classification import multilabel_auroc, multilabel_recall, multilabel_specificity

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

QUEUES = ["billing", "outage", "legal", "hardware", "privacy", "refund"]
RATE = np.array([0.12, 0.06, 0.04, 0.10, 0.05, 0.08])
VOCAB = 400


def tickets(n, seed):
    word_rng = np.random.default_rng(1)
    base = word_rng.dirichlet(np.full(VOCAB, 0.4))
    topic = word_rng.dirichlet(np.full(VOCAB, 0.08), size=len(QUEUES))
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, len(QUEUES))) < RATE).astype(np.float32)
    counts = np.zeros((n, VOCAB), np.float32)
    for i in range(n):
        mix = base + 0.3 * (labels[i][:, None] * topic).sum(0)
        counts[i] = rng.multinomial(rng.integers(15, 45), mix / mix.sum())
    return torch.from_numpy(np.log1p(counts)), torch.from_numpy(labels)


class TicketData(L.LightningDataModule):
    def __init__(self, batch_size=64):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage):
        x, y = tickets(10000, seed=2)
        self.train = TensorDataset(x[:7000], y[:7000])
        self.val = TensorDataset(x[7000:], y[7000:])
        pos = y[:7000].sum(0)
        neg = 7000 - pos
        self.pos_weight = pos / neg

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=500)


class Router(L.LightningModule):
    def __init__(self, pos_weight, lr=1e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(nn.Linear(VOCAB, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, len(QUEUES)))
        self.loss = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
        self.epoch_loss, self.scores, self.truth = [], [], []

    def training_step(self, batch, _):
        x, y = batch
        loss = self.loss(self.net(x), y)
        self.epoch_loss.append(loss.item())
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.scores.append(self.net(x).sigmoid())
        self.truth.append(y.int())

    def on_validation_epoch_end(self):
        p, t = torch.cat(self.scores), torch.cat(self.truth)
        recall = multilabel_recall(p, t, num_labels=len(QUEUES), average="macro").item()
        spec = multilabel_specificity(p, t, num_labels=len(QUEUES), average="macro").item()
        auc = multilabel_auroc(p, t, num_labels=len(QUEUES), average="macro").item()
        loss = np.mean(self.epoch_loss)
        print(f"epoch {self.current_epoch}  train loss {loss:.4f}  val recall {recall:.4f}  "
              f"specificity {spec:.4f}  balanced acc {(recall + spec) / 2:.4f}  auroc {auc:.4f}")
        self.epoch_loss, self.scores, self.truth = [], [], []

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.05)


if __name__ == "__main__":
    L.seed_everything(11, verbose=False)
    data = TicketData()
    data.setup("fit")
    trainer = L.Trainer(
        max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(Router(data.pos_weight), datamodule=data)
