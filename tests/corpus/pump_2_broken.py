# bug: clipping far too tight
# expects: OPT013
"""Classifies the operating state of a pump from vibration and pressure logs with an LSTM.

The module keeps its own optimizer and steps, the loop below only moves batches around.
"""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

STATES = ("normal", "cavitation", "leak", "imbalance", "dry")


def pump_logs(n, length=40, seed=21):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(STATES), n)
    t = np.arange(length)
    out = np.empty((n, length, 3), dtype=np.float32)
    for i, s in enumerate(y):
        speed = rng.uniform(0.5, 0.7)
        phase = rng.uniform(0, 2 * np.pi)
        vib = 0.8 * np.sin(speed * t + phase)
        pressure = 5 + 0.2 * np.cumsum(rng.normal(0, 0.2, length))
        current = 3 + 0.3 * np.sin(speed * t + phase + 0.4)
        start = rng.integers(5, 20)
        on = (t >= start).astype(float)
        level = rng.uniform(0.6, 1.4)
        if s == 1:
            vib = vib + on * level * rng.normal(0, 0.9, length)
        elif s == 2:
            pressure = pressure - on * level * 0.06 * (t - start)
        elif s == 3:
            vib = vib + on * level * 0.9 * np.sin(speed / 2 * t)
        elif s == 4:
            current = current - on * level * 0.9
        x = np.stack([vib, pressure, current], 1)
        out[i] = x + rng.normal(0, 0.25, x.shape)
    return torch.from_numpy(out), torch.from_numpy(y)


class PumpStateModule(nn.Module):
    def __init__(self, n_features=3, hidden=48, lr=0.2, clip=1e-3, epochs=20):
        super().__init__()
        self.lr, self.clip, self.epochs = lr, clip, epochs
        self.lstm = nn.LSTM(n_features, hidden, batch_first=True)
        self.head = nn.Linear(2 * hidden, len(STATES))
        self.criterion = nn.CrossEntropyLoss()
        self.logged = {}

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.head(torch.cat([h[:, -1], h.mean(1)], dim=1))

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9, weight_decay=2e-4)
        return opt, torch.optim.lr_scheduler.CosineAnnealingLR(opt, self.epochs)

    def log(self, name, value, weight):
        s, n = self.logged.get(name, (0.0, 0))
        self.logged[name] = (s + value * weight, n + weight)

    def training_step(self, batch):
        x, y = batch
        loss = self.criterion(self(x), y)
        self.log("train_loss", loss.item(), len(y))
        return loss

    def validation_step(self, batch):
        x, y = batch
        logits = self(x)
        self.log("val_loss", self.criterion(logits, y).item(), len(y))
        self.log("val_acc", (logits.argmax(1) == y).float().mean().item(), len(y))

    def pop_logs(self):
        out = {k: s / n for k, (s, n) in self.logged.items()}
        self.logged = {}
        return out


def fit(module, train_loader, val_loader):
    opt, sched = module.configure_optimizers()
    for epoch in range(module.epochs):
        module.train()
        for batch in train_loader:
            opt.zero_grad()
            module.training_step(batch).backward()
            nn.utils.clip_grad_norm_(module.parameters(), module.clip)
            opt.step()
        sched.step()
        module.eval()
        with torch.no_grad():
            for batch in val_loader:
                module.validation_step(batch)
        logs = module.pop_logs()
        if epoch % 3 == 0 or epoch == module.epochs - 1:
            print(f"epoch {epoch:02d} " + " ".join(f"{k}={v:.4f}" for k, v in logs.items()))


if __name__ == "__main__":
    torch.manual_seed(21)
    x, y = pump_logs(5000)
    train, val = random_split(TensorDataset(x, y), [4200, 800])
    ref = x[train.indices]
    x.sub_(ref.mean((0, 1))).div_(ref.std((0, 1)))
    fit(PumpStateModule(), DataLoader(train, 48, shuffle=True), DataLoader(val, 300))
