# expects: nothing
import numpy as np
import torch
from torch import nn

CONDITIONS = ("healthy", "worn tooth", "loose bolt", "dry bearing")
WINDOW = 128


def record(condition, n_windows, rng):
    """Microphone windows of one run of one gearbox."""
    t = np.arange(WINDOW) / WINDOW
    speed = rng.uniform(0.95, 1.05)
    gain = rng.uniform(0.9, 1.1)
    phase = rng.uniform(0, 2 * np.pi, size=(n_windows, 3, 1))
    base = np.sin(2 * np.pi * 9 * speed * t + phase[:, 0])
    side = np.sin(2 * np.pi * 23 * speed * t + phase[:, 1])
    rattle = np.sin(2 * np.pi * 3 * speed * t + phase[:, 2])
    hiss = rng.normal(size=(n_windows, WINDOW))
    mix = {0: (1.0, 0.1, 0.1, 0.5), 1: (1.0, 0.6, 0.1, 0.5),
           2: (1.0, 0.1, 0.7, 0.5), 3: (1.0, 0.1, 0.1, 0.8)}[condition]
    wave = mix[0] * base + mix[1] * side + mix[2] * rattle + mix[3] * hiss
    return gain * wave


def library(n_runs, n_windows, rng):
    runs = []
    for i in range(n_runs):
        condition = i % len(CONDITIONS)
        runs.append((torch.tensor(record(condition, n_windows, rng), dtype=torch.float32).unsqueeze(1), condition))
    return runs


class SoundNet(nn.Module):
    def __init__(self, n_classes, channels=16):
        super().__init__()

        def block(c_in, c_out):
            return nn.Sequential(nn.Conv1d(c_in, c_out, 9, padding=4, bias=False),
                                 nn.BatchNorm1d(c_out), nn.ReLU(), nn.MaxPool1d(2))

        self.features = nn.Sequential(block(1, channels), block(channels, 2 * channels), block(2 * channels, 2 * channels))
        self.head = nn.Sequential(nn.Dropout(0.4), nn.Linear(2 * channels, n_classes))

    def forward(self, x):
        return self.head(self.features(x).mean(-1))


class GearboxTrainer:
    def __init__(self, net, train_runs, test_runs, batch_size=64, epochs=8):
        self.net = net
        self.x = torch.cat([w for w, _ in train_runs])
        self.y = torch.cat([torch.full((len(w),), c) for w, c in train_runs])
        self.test_runs = test_runs
        self.batch_size = batch_size
        self.epochs = epochs
        per_epoch = len(self.x) // batch_size
        self.opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, max_lr=0.1, total_steps=per_epoch * epochs)
        self.loss = nn.CrossEntropyLoss()

    def train_epoch(self):
        self.net.train()
        order = torch.randperm(len(self.x))
        total, steps = 0.0, len(order) // self.batch_size
        for k in range(steps):
            idx = order[k * self.batch_size : (k + 1) * self.batch_size]
            self.opt.zero_grad()
            loss = self.loss(self.net(self.x[idx]), self.y[idx])
            loss.backward()
            self.opt.step()
            self.sched.step()
            total += loss.item()
        return total / steps

    @torch.no_grad()
    def evaluate(self):
        self.net.eval()
        hits = seen = 0
        for windows, condition in self.test_runs:
            hits += (self.net(windows).argmax(1) == condition).sum().item()
            seen += len(windows)
        return hits / seen

    def run(self):
        for epoch in range(1, self.epochs + 1):
            loss = self.train_epoch()
            print(f"epoch {epoch}/{self.epochs}  train loss {loss:.3f}  held-out window accuracy {self.evaluate():.3f}")


if __name__ == "__main__":
    torch.manual_seed(8)
    rng = np.random.default_rng(8)
    GearboxTrainer(SoundNet(len(CONDITIONS)), library(120, 32, rng), library(40, 32, rng)).run()
