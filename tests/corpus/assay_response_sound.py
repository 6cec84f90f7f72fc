# expects: nothing
import logging
import warnings

import lightning as L
import numpy as np
import pandas as pd
import torch
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")


def load_assays(n=1600, probes=6000, seed=31):
    rng = np.random.default_rng(seed)
    expr = rng.normal(size=(n, probes)).astype(np.float32)
    risk = expr[:, :18] @ rng.choice([-1, 1], 18) * 0.4
    respond = (risk + rng.logistic(size=n) > 0).astype(int)
    frame = pd.DataFrame(expr, columns=[f"probe_{i:04d}" for i in range(probes)])
    return frame.sample(frac=1, axis=1, random_state=seed), pd.Series(respond, name="respond")


def prepare(k=30, seed=31):
    expr, respond = load_assays(seed=seed)
    x_train, x_test, y_train, y_test = train_test_split(
        expr, respond, test_size=500, stratify=respond, random_state=seed)
    picker = SelectKBest(f_classif, k=k).fit(x_train, y_train)
    x_train, x_test = picker.transform(x_train), picker.transform(x_test)
    scaler = StandardScaler().fit(x_train)
    return scaler.transform(x_train), scaler.transform(x_test), y_train.to_numpy(), y_test.to_numpy()


def tensors(x, y):
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


class ResponseModel(L.LightningModule):
    def __init__(self, k, lr=1e-3):
        super().__init__()
        self.net = nn.Sequential(nn.Dropout(0.2), nn.Linear(k, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
        self.lr = lr
        self.train_losses, self.scores, self.truth = [], [], []

    def training_step(self, batch, _):
        x, y = batch
        loss = nn.functional.binary_cross_entropy_with_logits(self.net(x).squeeze(-1), y)
        self.train_losses.append(loss.item())
        return loss

    def on_train_epoch_end(self):
        if (self.current_epoch + 1) % 5 == 0:
            print(f"epoch {self.current_epoch + 1}: loss {np.mean(self.train_losses):.4f}")
        self.train_losses.clear()

    def test_step(self, batch, _):
        x, y = batch
        self.scores.append(self.net(x).squeeze(-1).cpu())
        self.truth.append(y.cpu())

    def on_test_epoch_end(self):
        p, t = torch.cat(self.scores).numpy(), torch.cat(self.truth).numpy()
        print(f"test AUC {roc_auc_score(t, p):.4f}  accuracy {((p > 0) == t).mean():.4f}")

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.05)


def main():
    L.seed_everything(31, verbose=False)
    x_train, x_test, y_train, y_test = prepare()
    model = ResponseModel(x_train.shape[1])
    trainer = L.Trainer(max_epochs=30, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(model, DataLoader(tensors(x_train, y_train), batch_size=30, shuffle=True))
    trainer.test(model, DataLoader(tensors(x_test, y_test), batch_size=100), verbose=False)


if __name__ == "__main__":
    main()
