# bug: AUROC is updated in training_step from the batches being learned, nothing is held out, and that figure is reported as the model's quality
# expects: TRN016
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import BinaryAUROC

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

N_KINDS, LENGTH = 30, 16


def support_tickets(n=4500, seed=0):
    """Event streams of support tickets: kind of each event, hours since the last one, escalated or not."""
    rng = np.random.default_rng(seed)
    base = rng.dirichlet(np.ones(N_KINDS) * 2)
    kinds = rng.choice(N_KINDS, (n, LENGTH), p=base)
    gaps = rng.exponential(1.0, (n, LENGTH))
    heat = rng.normal(0, 0.8, N_KINDS)
    decay = 0.85 ** np.arange(LENGTH)[::-1]
    score = (heat[kinds] * decay).sum(1) + 0.9 * (gaps * decay).sum(1) - 0.9 * decay.sum()
    repeat = (kinds[:, 1:] == kinds[:, :-1]).sum(1)
    score = (score - score.mean()) / score.std() + 0.5 * (repeat - repeat.mean())
    label = rng.random(n) < 1 / (1 + np.exp(-1.3 * score))
    return TensorDataset(torch.from_numpy(kinds), torch.from_numpy(np.log1p(gaps).astype(np.float32)),
                         torch.from_numpy(label.astype(np.float32)))


class EscalationModel(L.LightningModule):
    def __init__(self, emb=24, hidden=80, lr=1.5e-3, total_steps=500):
        super().__init__()
        self.save_hyperparameters()
        self.embed = nn.Embedding(N_KINDS, emb)
        self.rnn = nn.GRU(emb + 1, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 64), nn.ReLU(), nn.Linear(64, 1))
        self.auroc = BinaryAUROC()
        self.quality = 0.0

    def forward(self, kinds, gaps):
        x = torch.cat([self.embed(kinds), gaps.unsqueeze(-1)], -1)
        _, h = self.rnn(x)
        return self.head(h[-1]).squeeze(-1)

    def training_step(self, batch, _):
        kinds, gaps, y = batch
        out = self(kinds, gaps)
        loss = F.binary_cross_entropy_with_logits(out, y)
        self.auroc.update(out.detach().sigmoid(), y.long())
        return loss

    def on_train_epoch_end(self):
        self.quality = self.auroc.compute().item()
        self.auroc.reset()
        print(f"epoch {self.current_epoch:2d}  step {self.global_step:4d}  AUROC {self.quality:.4f}")

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=0.01)
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, self.hparams.total_steps)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


def main():
    L.seed_everything(9, verbose=False)
    torch.set_num_threads(1)
    data = support_tickets()
    loader = DataLoader(data, 64, shuffle=True, drop_last=True)
    epochs = 12
    model = EscalationModel(total_steps=epochs * len(loader))
    trainer = L.Trainer(max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(model, loader)
    print(f"done: AUROC {model.quality:.4f}")


if __name__ == "__main__":
    main()
