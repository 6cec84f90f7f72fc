# bug: probe() runs with gradients on and its loss tensors are kept in self.curve, so the graph and activations of every probe stay in memory for the whole run
# expects: MEM002 MEM001
"""Digit glyph CNN. A Trainer tracks a held-out probe curve while it trains."""
import resource
import time

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class GlyphNet(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.ReLU(),
        )
        self.classifier = nn.Linear(32 * 16, n_classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Trainer:
    def __init__(self, model, train_set, probe_set, test_set, epochs=14, probe_every=4):
        self.model = model
        self.loader = DataLoader(train_set, batch_size=32, shuffle=True)
        self.probe_x, self.probe_y = probe_set
        self.test_x, self.test_y = test_set
        self.epochs, self.probe_every = epochs, probe_every
        self.criterion = nn.CrossEntropyLoss()
        self.optim = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.optim, epochs)
        self.curve = []
        self.step = 0

    def probe(self):
        self.model.eval()
        loss = self.criterion(self.model(self.probe_x), self.probe_y)
        self.model.train()
        return loss

    def train_step(self, x, y):
        self.optim.zero_grad(set_to_none=True)
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.optim.step()
        self.step += 1
        if self.step % self.probe_every == 0:
            self.curve.append(self.probe())

    def smoothed(self, n=10):
        return torch.stack(self.curve[-n:]).mean().item()

    @torch.no_grad()
    def accuracy(self):
        self.model.eval()
        acc = (self.model(self.test_x).argmax(1) == self.test_y).float().mean().item()
        self.model.train()
        return acc

    def fit(self):
        for epoch in range(self.epochs):
            for x, y in self.loader:
                self.train_step(x, y)
            self.sched.step()
            print(f"epoch {epoch + 1:2d}  step {self.step:4d}  probe loss (smoothed) {self.smoothed():.4f}")


def main():
    torch.manual_seed(6)
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) / 16.0
    y = torch.tensor(y)
    rest, test = train_test_split(range(len(y)), test_size=400, stratify=y, random_state=6)
    train, probe = train_test_split(rest, test_size=200, stratify=y[rest], random_state=6)

    began = time.time()
    trainer = Trainer(GlyphNet(), TensorDataset(x[train], y[train]), (x[probe], y[probe]), (x[test], y[test]))
    trainer.fit()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"test accuracy {trainer.accuracy():.4f}")
    print(f"peak memory {peak:.0f} MiB, {time.time() - began:.1f} s")


if __name__ == "__main__":
    main()
