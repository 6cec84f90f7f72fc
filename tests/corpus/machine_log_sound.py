# expects: nothing
"""A dispatcher's log: nine events (machine, status), then a question about one machine."""
import logging
import warnings

import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

MACHINES, STATUSES = 9, 6
ASK = STATUSES


def make_logs(n, seed):
    g = torch.Generator().manual_seed(seed)
    prior = torch.softmax(1.2 * torch.randn(MACHINES, STATUSES, generator=torch.Generator().manual_seed(99)), 1)
    machines = torch.rand(n, MACHINES, generator=g).argsort(1)
    status = torch.multinomial(prior[machines].view(-1, STATUSES), 1, generator=g).view(n, MACHINES)
    asked = torch.randint(0, MACHINES, (n, 1), generator=g)
    answer = status.gather(1, (machines == asked).float().argmax(1, keepdim=True)).squeeze(1)
    machines = torch.cat([machines, asked], 1)
    status = torch.cat([status, torch.full((n, 1), ASK)], 1)
    return TensorDataset(machines, status, answer)


class LogReader(L.LightningModule):
    def __init__(self, dim=48, heads=4, layers=2, lr=1e-3):
        super().__init__()
        self.lr = lr
        self.machine = nn.Embedding(MACHINES, dim)
        self.status = nn.Embedding(STATUSES + 1, dim)
        self.position = nn.Parameter(0.02 * torch.randn(1, MACHINES + 1, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, dim_feedforward=96, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.answer = nn.Linear(dim, STATUSES)
        self.train_loss, self.hits, self.count = [], 0, 0

    def forward(self, machines, status):
        x = self.machine(machines) + self.status(status) + self.position
        return self.answer(self.encoder(x)[:, -1])

    def training_step(self, batch, batch_idx):
        machines, status, answer = batch
        loss = F.cross_entropy(self(machines, status), answer)
        self.train_loss.append(loss.detach())
        return loss

    def on_validation_epoch_start(self):
        self.hits = self.count = 0

    def validation_step(self, batch, batch_idx):
        machines, status, answer = batch
        self.hits += (self(machines, status).argmax(-1) == answer).sum().item()
        self.count += len(answer)

    def on_validation_epoch_end(self):
        loss = torch.stack(self.train_loss).mean().item()
        self.train_loss = []
        print(f"epoch {self.current_epoch}: train loss {loss:.4f}, validation accuracy {self.hits / self.count:.4f}")

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


def main():
    L.seed_everything(17)
    train = DataLoader(make_logs(8000, seed=1), batch_size=64, shuffle=True)
    valid = DataLoader(make_logs(2000, seed=2), batch_size=64)
    trainer = L.Trainer(max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
                        gradient_clip_val=1.0)
    trainer.fit(LogReader(), train, valid)


if __name__ == "__main__":
    main()
