# expects: nothing
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader, random_split
from transformers import get_linear_schedule_with_warmup

HPARAMS = dict(
    seed=14,
    epochs=7,
    micro_batch=16,
    accumulate=4,
    lr=2e-3,
    warmup=0.06,
    hidden=48,
)


class GaitRecordings(Dataset):
    """Three-axis ankle accelerometer clips labelled with one of six walking styles."""

    styles = [(1.6, 0.3), (1.6, 0.7), (1.9, 0.3), (1.9, 0.7), (2.2, 0.3), (2.2, 0.7)]

    def __init__(self, n, seed, length=40):
        rng = np.random.default_rng(seed)
        self.y = rng.integers(0, len(self.styles), n)
        t = np.arange(length) / 12.0
        clips = np.empty((n, length, 3), dtype=np.float32)
        for i, label in enumerate(self.y):
            cadence, asym = self.styles[label]
            f = cadence + rng.normal(0, 0.04)
            phase = rng.uniform(0, 2 * np.pi)
            lag = asym + rng.normal(0, 0.06)
            w = 2 * np.pi * f * t + phase
            clips[i, :, 0] = np.sin(w)
            clips[i, :, 1] = np.sin(w + lag) + 0.3 * np.sin(2 * w)
            clips[i, :, 2] = np.cos(w + 2 * lag)
        clips += rng.normal(0, 0.35, clips.shape)
        self.x = clips

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), int(self.y[i])


class GaitGRU(nn.Module):
    def __init__(self, hidden, n_out):
        super().__init__()
        self.conv = nn.Conv1d(3, 24, 5, padding=2)
        self.gru = nn.GRU(24, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, n_out)

    def forward(self, x):
        z = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        out, _ = self.gru(z)
        return self.fc(out.mean(dim=1))


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def accuracy(model, loader):
    model.eval()
    hits = n = 0
    with torch.inference_mode():
        for x, y in loader:
            hits += (model(x).argmax(1) == y).sum().item()
            n += len(y)
    model.train()
    return hits / n


def train(hp):
    seed_all(hp["seed"])
    full = GaitRecordings(5248, hp["seed"])
    train_set, val_set, test_set = random_split(full, [3584, 512, 1152])
    loader = DataLoader(train_set, batch_size=hp["micro_batch"], shuffle=True)
    val_loader, test_loader = DataLoader(val_set, batch_size=256), DataLoader(test_set, batch_size=256)

    model = GaitGRU(hp["hidden"], len(GaitRecordings.styles))
    optimizer = torch.optim.AdamW(model.parameters(), lr=hp["lr"], weight_decay=0.01)
    updates_per_epoch = len(loader) // hp["accumulate"]
    total_steps = hp["epochs"] * updates_per_epoch
    scheduler = get_linear_schedule_with_warmup(optimizer, int(hp["warmup"] * total_steps), total_steps)
    criterion = nn.CrossEntropyLoss()
    print(f"{len(loader)} micro-batches, {updates_per_epoch} updates per epoch")

    for epoch in range(hp["epochs"]):
        running = 0.0
        for i, (x, y) in enumerate(loader):
            loss = criterion(model(x), y)
            (loss / hp["accumulate"]).backward()
            running += loss.item()
            if (i + 1) % hp["accumulate"] == 0:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
        print(f"epoch {epoch + 1}/{hp['epochs']}  loss {running / len(loader):.4f}  val acc {accuracy(model, val_loader):.4f}")

    print(f"test accuracy {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    train(HPARAMS)
