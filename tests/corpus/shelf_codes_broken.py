# bug: the drift monitor embeds its probe batch with gradients on and keeps every embedding, so each snapshot holds a whole autograd graph and memory climbs all run (DriftMonitor.snapshot)
# expects: MEM001
import resource

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.LeakyReLU(0.1),
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.LeakyReLU(0.1), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(64 * 16, dim),
        )

    def forward(self, x):
        return F.normalize(self.body(x), dim=1)


class DriftMonitor:
    """Keeps the embedding of a fixed probe batch over time to show how fast it still moves."""

    def __init__(self, probe):
        self.probe, self.history = probe, []

    def snapshot(self, encoder):
        encoder.eval()
        z = encoder(self.probe)
        encoder.train()
        self.history.append(z)

    def drift(self, lag):
        if len(self.history) <= lag:
            return float("nan")
        return (1 - (self.history[-1] * self.history[-1 - lag]).sum(1)).mean().item()


class Trainer:
    def __init__(self, encoder, x, y, margin=0.3):
        self.encoder, self.x, self.y, self.margin = encoder, x, y, margin
        self.opt = torch.optim.Adamax(encoder.parameters(), lr=2e-3)
        self.by_class = [torch.nonzero(y == c).flatten() for c in range(10)]

    def batch(self, per_class=8):
        return torch.cat([i[torch.randperm(len(i))[:per_class]] for i in self.by_class])

    def triplet_loss(self, z, y):
        sim = z @ z.T
        same = y[:, None] == y[None]
        eye = torch.eye(len(y), dtype=torch.bool)
        hardest_pos = sim.masked_fill(~same | eye, 2.0).min(1).values
        hardest_neg = sim.masked_fill(same, -2.0).max(1).values
        return F.softplus((hardest_neg - hardest_pos + self.margin) * 8).mean() / 8

    def step(self):
        idx = self.batch()
        loss = self.triplet_loss(self.encoder(self.x[idx]), self.y[idx])
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()

    def run(self, steps, monitor, every=5):
        recent = []
        for s in range(1, steps + 1):
            recent.append(self.step())
            if s % every == 0:
                monitor.snapshot(self.encoder)
            if s % 100 == 0:
                print(f"step {s}  loss {np.mean(recent):.4f}  drift {monitor.drift(10):.4f}  peak {peak_mb():.0f} MB")
                recent.clear()


def main():
    torch.manual_seed(72)
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 1, 8, 8).astype("float32") / 16
    x_tr, x_te, y_tr, y_te = train_test_split(images, labels, test_size=0.3, stratify=labels, random_state=72)
    x_tr, x_te = torch.from_numpy(x_tr), torch.from_numpy(x_te)
    y_tr = torch.from_numpy(y_tr)
    encoder = Encoder()
    start = peak_mb()
    trainer = Trainer(encoder, x_tr, y_tr)
    trainer.run(700, DriftMonitor(x_tr[:200]))
    encoder.eval()
    with torch.no_grad():
        knn = KNeighborsClassifier(5).fit(encoder(x_tr).numpy(), y_tr.numpy())
        acc = knn.score(encoder(x_te).numpy(), y_te)
    print(f"5-NN test accuracy {acc:.4f}  memory grown by {peak_mb() - start:.0f} MB")


if __name__ == "__main__":
    main()
