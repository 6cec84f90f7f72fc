# expects: nothing
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import Callback
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class DigitsData(L.LightningDataModule):
    def __init__(self, batch_size=32):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage=None):
        x, y = load_digits(return_X_y=True)
        x = (x / 16.0).astype(np.float32)
        x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.25, stratify=y, random_state=8)
        self.train = TensorDataset(torch.tensor(x_tr), torch.tensor(y_tr))
        self.held = TensorDataset(torch.tensor(x_te), torch.tensor(y_te))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.held, batch_size=225)


class DigitVAE(L.LightningModule):
    def __init__(self, latent=8, hidden=128, lr=2e-3):
        super().__init__()
        self.save_hyperparameters()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ELU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ELU(), nn.Linear(hidden, 64))

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.decoder(z), mu, logvar

    def training_step(self, batch, _):
        x, _ = batch
        logits, mu, logvar = self(x)
        recon = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
        self.log_dict({"recon": recon, "kl": kl}, on_step=False, on_epoch=True)
        return recon + kl

    def validation_step(self, batch, _):
        x, _ = batch
        mu, _ = self.encode(x)
        self.log("val_mse", F.mse_loss(torch.sigmoid(self.decoder(mu)), x))

    def configure_optimizers(self):
        opt = torch.optim.Adamax(self.parameters(), lr=self.hparams.lr)
        return {"optimizer": opt, "lr_scheduler": torch.optim.lr_scheduler.StepLR(opt, 25, 0.5)}


class Print(Callback):
    def on_train_epoch_end(self, trainer, module):
        if (trainer.current_epoch + 1) % 6 == 0:
            m = {k: round(float(v), 4) for k, v in trainer.callback_metrics.items()}
            print(f"epoch {trainer.current_epoch + 1}", m)


@torch.no_grad()
def probe(model, data):
    model.eval()
    (x_tr, y_tr), (x_te, y_te) = data.train.tensors, data.held.tensors
    clf = LogisticRegression(max_iter=2000).fit(model.encode(x_tr)[0].numpy(), y_tr.numpy())
    return clf.score(model.encode(x_te)[0].numpy(), y_te.numpy())


if __name__ == "__main__":
    L.seed_everything(8, verbose=False)
    data, model = DigitsData(), DigitVAE()
    trainer = L.Trainer(max_epochs=48, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, callbacks=[Print()])
    trainer.fit(model, data)
    print(f"held-out digit accuracy of a linear probe on the codes: {probe(model, data):.4f}")
    print(f"held-out reconstruction error: {trainer.callback_metrics['val_mse']:.4f}")
