# bug: WeightedRandomSampler is given the 4 class weights instead of one weight per row, so it only ever draws rows 0 to 3
# expects: DAT024
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from sklearn.metrics import f1_score


@dataclass
class Config:
    classes: tuple = ("normal", "atrial", "ventricular", "paced")
    train_counts: tuple = (2600, 500, 350, 250)
    test_counts: tuple = (300, 300, 300, 300)
    width: int = 120
    batch_size: int = 64
    epochs: int = 10
    lr: float = 0.02
    seed: int = 2024


cfg = Config()


class BeatDataset(Dataset):
    """One heartbeat per row, simulated from a few Gaussian bumps."""

    def __init__(self, counts, seed):
        rng = np.random.default_rng(seed)
        t = np.linspace(0, 1, cfg.width)
        rows, labels = [], []
        for label, n in enumerate(counts):
            for _ in range(n):
                rows.append(self._beat(label, t, rng))
                labels.append(label)
        order = rng.permutation(len(rows))
        self.x = torch.tensor(np.stack(rows)[order], dtype=torch.float32)
        self.y = torch.tensor(np.array(labels)[order], dtype=torch.long)

    @staticmethod
    def _beat(label, t, rng):
        def bump(c, w, a):
            return a * np.exp(-0.5 * ((t - c) / w) ** 2)

        j = rng.normal(0, 0.025)
        gain = rng.uniform(0.7, 1.3)
        p_amp = 0.18 if label in (0, 3) else (-0.05 if label == 1 else 0.0)
        p_pos = 0.27 + rng.normal(0, 0.02)
        qrs_w = {0: 0.022, 1: 0.022, 2: 0.05, 3: 0.04}[label] * rng.uniform(0.75, 1.25)
        t_amp = {0: 0.3, 1: 0.28, 2: -0.2, 3: 0.2}[label] + rng.normal(0, 0.1)
        x = bump(p_pos, 0.03, p_amp) + bump(0.45 + j, qrs_w, 1.0) + bump(0.72 + j, 0.06, t_amp)
        if label == 3:
            x += bump(0.38 + j, 0.006, 0.5)
        drift = 0.15 * np.sin(2 * np.pi * (rng.uniform(0.3, 1.0) * t + rng.uniform()))
        return gain * x + drift + rng.normal(0, 0.12, t.size)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i].unsqueeze(0), self.y[i]


class BeatNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 7, padding=3)
        self.bn1 = nn.BatchNorm1d(16)
        self.conv2 = nn.Conv1d(16, 32, 5, padding=2)
        self.bn2 = nn.BatchNorm1d(32)
        self.pool = nn.MaxPool1d(4)
        self.fc = nn.Linear(32 * (cfg.width // 16), n_classes)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        x = self.pool(torch.relu(self.bn2(self.conv2(x))))
        return self.fc(x.flatten(1))


def make_train_loader(ds):
    counts = torch.bincount(ds.y, minlength=len(cfg.classes)).float()
    weights = counts.sum() / counts
    sampler = WeightedRandomSampler(weights, num_samples=len(ds), replacement=True)
    return DataLoader(ds, batch_size=cfg.batch_size, sampler=sampler)


def macro_f1(model, loader):
    model.eval()
    pred, true = [], []
    with torch.no_grad():
        for x, y in loader:
            pred.append(model(x).argmax(1))
            true.append(y)
    model.train()
    return f1_score(torch.cat(true), torch.cat(pred), average="macro", zero_division=0)


def main():
    torch.manual_seed(cfg.seed)
    train_ds = BeatDataset(cfg.train_counts, cfg.seed)
    test_ds = BeatDataset(cfg.test_counts, cfg.seed + 1)
    train_loader = make_train_loader(train_ds)
    test_loader = DataLoader(test_ds, batch_size=256)

    model = BeatNet(len(cfg.classes))
    opt = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=0.9, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.epochs * len(train_loader))
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(1, cfg.epochs + 1):
        losses = []
        for x, y in train_loader:
            loss = loss_fn(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        print(f"epoch {epoch:2d} | {len(train_loader)} batches | train loss {np.mean(losses):.4f}")
    print(f"test macro F1: {macro_f1(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
