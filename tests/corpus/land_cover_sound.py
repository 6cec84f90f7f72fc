# expects: nothing
import logging
import warnings

import lightning as L
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

COVERS = ["bog", "cliff", "dune", "fen", "heath", "wood"]
SHARE = [0.015, 0.03, 0.06, 0.12, 0.25, 0.525]
BANDS = [f"b{i}" for i in range(10)]


def make_plots(n, seed):
    rng = np.random.default_rng(seed)
    centre = np.random.default_rng(99).normal(0, 0.85, (len(COVERS), len(BANDS)))
    kind = rng.choice(len(COVERS), n, p=SHARE)
    x = centre[kind] + rng.normal(0, 1.0, (n, len(BANDS)))
    x[:, :3] += 0.3 * x[:, 3:6] ** 2
    df = pd.DataFrame(x, columns=BANDS)
    df["cover"] = pd.Categorical([COVERS[k] for k in kind], categories=COVERS)
    return df


class CoverModule(L.LightningModule):
    def __init__(self, n_in, n_out, weight, lr=2e-3):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(),
                                 nn.Linear(64, n_out))
        self.loss = nn.CrossEntropyLoss(weight=weight)
        self.recall = MulticlassAccuracy(n_out, average="macro")
        self.lr = lr
        self.seen = []

    def training_step(self, batch, _):
        x, y = batch
        loss = self.loss(self.net(x), y)
        self.seen.append(loss.item())
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.recall.update(self.net(x), y)

    def on_validation_epoch_end(self):
        score = self.recall.compute().item()
        self.recall.reset()
        if self.seen:
            print(f"epoch {self.current_epoch}: loss {np.mean(self.seen):.4f}  macro recall {score:.4f}")
        self.seen = []

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.05)


def tensors(df, mean, std):
    x = ((df[BANDS] - mean) / std).to_numpy(np.float32)
    y = df["cover"].cat.codes.to_numpy(np.int64)
    return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))


def main():
    L.seed_everything(5, verbose=False)
    train, valid = make_plots(12000, seed=1), make_plots(6000, seed=2)
    mean, std = train[BANDS].mean(), train[BANDS].std()

    counts = train["cover"].value_counts().sort_index()
    weight = len(train) / (len(COVERS) * counts.to_numpy())
    weight = torch.tensor(weight, dtype=torch.float32)

    module = CoverModule(len(BANDS), len(COVERS), weight)
    trainer = L.Trainer(max_epochs=10, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(module,
                DataLoader(tensors(train, mean, std), batch_size=128, shuffle=True),
                DataLoader(tensors(valid, mean, std), batch_size=1000))


if __name__ == "__main__":
    main()
