# expects: DAT023 DAT020
"""Bearing condition from vibration: 1-D CNN on recordings of a test bench.

The bench swaps through the prepared bearings in a fixed rotation, one short recording each.
"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, Subset

CONDITIONS = ["healthy", "inner race", "outer race", "ball", "cage"]
FAULT_HZ = {"inner race": 162.0, "outer race": 107.0, "ball": 141.0, "cage": 44.0}
RATE, LENGTH = 2048, 512


def record(condition, rng):
    t = np.arange(LENGTH) / RATE
    speed = rng.uniform(0.97, 1.03)
    signal = 0.6 * np.sin(2 * np.pi * (29.5 * speed * t + rng.uniform()))
    signal += 0.2 * np.sin(2 * np.pi * (59.0 * speed * t + rng.uniform()))
    if condition != "healthy":
        period = 1.0 / (FAULT_HZ[condition] * speed)
        hits = np.arange(rng.uniform(0, period), t[-1], period)
        for h in hits:
            dt = np.clip(t - h, 0, None)
            ring = np.exp(-300 * dt) * np.sin(2 * np.pi * 610 * dt) * (t >= h)
            signal += rng.uniform(0.9, 1.6) * ring
    return signal + rng.normal(0, 0.35, LENGTH)


def run_bench(n, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(CONDITIONS)
    waves = np.stack([record(CONDITIONS[k], rng) for k in labels])
    return waves.astype(np.float32), labels


class Recordings(Dataset):
    def __init__(self, waves, labels):
        waves = waves - waves.mean(1, keepdims=True)
        self.waves = torch.from_numpy(waves / waves.std(1, keepdims=True)).unsqueeze(1)
        self.labels = torch.from_numpy(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.waves[i], self.labels[i]


def train_val_split(dataset, every=5):
    """Hold out one recording in `every`, spread over the whole campaign."""
    index = np.arange(len(dataset))
    held_out = np.arange(len(dataset)) % every == 0
    return Subset(dataset, index[~held_out].tolist()), Subset(dataset, index[held_out].tolist())


class VibrationNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        def stage(i, o, k, s):
            return nn.Sequential(nn.Conv1d(i, o, k, stride=s, padding=k // 2), nn.BatchNorm1d(o), nn.ReLU())
        self.features = nn.Sequential(
            stage(1, 16, 15, 2), stage(16, 16, 9, 2), stage(16, 32, 9, 2), stage(32, 32, 9, 2), stage(32, 48, 5, 2),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(48, n_classes))

    def forward(self, x):
        return self.head(self.features(x).mean(-1))


@torch.no_grad()
def evaluate(net, loader):
    net.eval()
    hits = torch.zeros(len(CONDITIONS))
    seen = torch.zeros(len(CONDITIONS))
    loss = 0.0
    for x, y in loader:
        out = net(x)
        loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
        hits += torch.bincount(y[out.argmax(1) == y], minlength=len(CONDITIONS))
        seen += torch.bincount(y, minlength=len(CONDITIONS))
    return loss / seen.sum().item(), (hits.sum() / seen.sum()).item(), hits / seen


def main(epochs=14):
    torch.manual_seed(8)
    campaign = Recordings(*run_bench(1500, seed=1))
    acceptance = Recordings(*run_bench(500, seed=2))
    train_set, val_set = train_val_split(campaign)
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=100)
    net = VibrationNet(len(CONDITIONS))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, epochs=epochs, steps_per_epoch=len(train_loader))
    print(f"{len(train_set)} training, {len(val_set)} validation recordings")
    for epoch in range(1, epochs + 1):
        net.train()
        total = 0.0
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        val_loss, val_acc, _ = evaluate(net, val_loader)
        print(f"epoch {epoch:2d}: train loss {total / len(train_loader):.4f}  "
              f"val loss {val_loss:.4f}  val acc {val_acc:.4f}")

    _, acc, per_class = evaluate(net, DataLoader(acceptance, batch_size=100))
    print(f"acceptance run: accuracy {acc:.4f}")
    for name, value in zip(CONDITIONS, per_class.tolist()):
        print(f"  {name:11s} {value:.3f}")


if __name__ == "__main__":
    main()
