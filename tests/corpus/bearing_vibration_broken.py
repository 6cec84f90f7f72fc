# bug: VibrationDataset.__getitem__ hands a view of the stored array to an in-place augmentation, so noise, gains and blanked spans pile up in the training data epoch after epoch
# expects: DAT014
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ["healthy", "inner race", "outer race", "imbalance", "loose"]


def record(rng, kind, length=256):
    t = np.arange(length) / length
    speed = rng.uniform(9, 13)
    phase = rng.uniform(0, 2 * np.pi)
    x = np.zeros((3, length))
    x[:] = 0.6 * np.sin(2 * np.pi * speed * t + phase)
    if kind in (1, 2):
        rate = speed * (2.6 if kind == 1 else 1.7)
        hits = np.maximum(0, np.sin(2 * np.pi * rate * t + rng.uniform(0, 6))) ** 12
        ring = hits * np.sin(2 * np.pi * 60 * t)
        x += 1.1 * ring * np.array([[1.0], [0.7], [0.3]])
    elif kind == 3:
        x[0] += 0.5 * np.sin(2 * np.pi * speed * t + phase + 0.8)
        x[1] -= 0.3 * np.sin(2 * np.pi * speed * t + phase + 0.8)
    elif kind == 4:
        x += 0.35 * np.sin(2 * np.pi * 0.5 * speed * t + rng.uniform(0, 6))
        x[2] += 0.3 * np.sin(2 * np.pi * 1.5 * speed * t + rng.uniform(0, 6))
    return (x + 0.32 * rng.normal(size=x.shape)).astype(np.float32)


def simulate(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(CLASSES), n)
    return np.stack([record(rng, k) for k in y]), y


class VibrationDataset(Dataset):
    """Three-axis accelerometer snippets; with augment=True each read is randomly perturbed."""

    def __init__(self, signals, labels, augment=False, seed=0):
        self.signals = signals
        self.labels = torch.as_tensor(labels)
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.signals)

    def _perturb(self, x):
        x *= self.rng.uniform(0.85, 1.15)
        x += 0.03 * self.rng.standard_normal(x.shape, dtype=np.float32)
        start = self.rng.integers(0, x.shape[1] - 32)
        x[:, start:start + self.rng.integers(4, 32)] = 0.0
        return x

    def __getitem__(self, i):
        x = self.signals[i]
        if self.augment:
            x = self._perturb(x)
        return torch.from_numpy(x), self.labels[i]


class ConvBlock(nn.Module):
    def __init__(self, cin, cout, k):
        super().__init__()
        self.conv = nn.Conv1d(cin, cout, k, stride=2, padding=k // 2)
        self.norm = nn.GroupNorm(4, cout)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class FaultNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(ConvBlock(3, 16, 9), ConvBlock(16, 32, 7), ConvBlock(32, 48, 5))
        self.fc = nn.Linear(96, len(CLASSES))

    def forward(self, x):
        h = self.blocks(x)
        return self.fc(torch.cat([h.mean(-1), h.amax(-1)], 1))


class Trainer:
    def __init__(self, model, train_ds, valid_ds, lr=2e-3, epochs=14):
        self.model, self.epochs = model, epochs
        self.train_dl = DataLoader(train_ds, batch_size=48, shuffle=True, drop_last=True)
        self.valid_dl = DataLoader(valid_ds, batch_size=250)
        self.opt = torch.optim.RAdam(model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(
            self.opt, lr * 2, total_steps=epochs * len(self.train_dl))
        self.loss = nn.CrossEntropyLoss()

    def fit(self):
        for ep in range(1, self.epochs + 1):
            self.model.train()
            seen = total = 0.0
            for x, y in self.train_dl:
                loss = self.loss(self.model(x), y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                self.sched.step()
                total += loss.item() * len(y)
                seen += len(y)
            acc, vloss = self.validate()
            print(f"epoch {ep:2d}: train loss {total / seen:.4f}, valid loss {vloss:.4f}, valid acc {acc:.3f}")

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        hit = n = total = 0.0
        for x, y in self.valid_dl:
            out = self.model(x)
            total += self.loss(out, y).item() * len(y)
            hit += (out.argmax(1) == y).sum().item()
            n += len(y)
        return hit / n, total / n


if __name__ == "__main__":
    torch.manual_seed(21)
    torch.set_num_threads(1)
    train = VibrationDataset(*simulate(2400, 1), augment=True, seed=8)
    valid = VibrationDataset(*simulate(1000, 2))
    trainer = Trainer(FaultNet(), train, valid)
    trainer.fit()
    print("held-out accuracy: {:.4f}".format(trainer.validate()[0]))
