# expects: nothing
import csv
import os
import tempfile
import time

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)

N_STEPS_LOG = 100
EPOCHS = 8
CLASSES = ["ok", "pitting", "misaligned", "chipped"]


def vibration(n):
    """Spectrum and sorted peaks of short vibration snippets of a gearbox in four states."""
    t = np.arange(96) / 96.0
    y = rng.integers(0, 4, n)
    f0 = rng.uniform(6, 9, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    x = np.sin(2 * np.pi * f0 * t + phase)
    x += (y == 2)[:, None] * 0.6 * np.sin(4 * np.pi * f0 * t + phase)
    x += (y == 1)[:, None] * 0.5 * rng.normal(size=(n, 96)) * (np.sin(2 * np.pi * f0 * t) > 0.6)
    spikes = (rng.random((n, 96)) < 0.04) * rng.uniform(1.0, 2.0, (n, 96))
    x += (y == 3)[:, None] * spikes
    x += 0.3 * rng.normal(size=x.shape)
    spectrum = np.log(np.abs(np.fft.rfft(x, axis=1)) + 0.1)
    crest = np.sort(np.abs(x), axis=1)[:, ::-4]
    return torch.tensor(np.concatenate([spectrum, crest[:, :12]], 1), dtype=torch.float32), torch.tensor(y)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


class Net(nn.Module):
    def __init__(self, width=48, depth=6):
        super().__init__()
        self.stem = nn.Linear(61, width)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)], nn.Dropout(0.2))
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


class RunLog:
    """Keeps a table of layer statistics next to the run."""

    def __init__(self, path):
        self.path = path
        with open(path, "w", newline="") as f:
            csv.writer(f).writerow(["step", "name", "w_mean", "w_std", "w_max", "g_mean", "g_std", "g_max", "g_zero"])

    def write(self, step, model):
        for name, p in model.named_parameters():
            row = [step, name]
            for t in (p.detach(), p.grad):
                row += [t.mean().item(), t.std(unbiased=False).item(), t.abs().max().item()]
            row.append((p.grad == 0).float().mean().item())
            with open(self.path, "a", newline="") as f:
                csv.writer(f).writerow(row)


x_train, y_train = vibration(8000)
x_test, y_test = vibration(2000)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(loader))
criterion = nn.CrossEntropyLoss()
workdir = tempfile.mkdtemp()
run_log = RunLog(os.path.join(workdir, "layers.csv"))

start = time.time()
step = 0
for epoch in range(EPOCHS):
    model.train()
    running = torch.zeros(())
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        if step % N_STEPS_LOG == 0:
            run_log.write(step, model)
        optimizer.step()
        scheduler.step()
        running += loss.detach()
        step += 1
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {running.item() / len(loader):.4f} test acc {acc:.4f} elapsed {time.time() - start:.1f}s")
print(f"done: {step} steps, {step / (time.time() - start):.0f} steps/s, test accuracy {acc:.4f}")
