# expects: nothing
"""Tags pump log windows with the faults present (several may be present at once)."""
import numpy as np
import torch
from sklearn.metrics import average_precision_score, f1_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

TAGS = ["cavitation", "misalignment", "bearing", "seal_leak", "imbalance", "dry_run", "clogged", "sensor_drift"]
PRIOR = [0.12, 0.10, 0.15, 0.08, 0.14, 0.06, 0.10, 0.12]


def make_logs(n, n_channels=24, seed=0):
    rng = np.random.default_rng(seed)
    signature = rng.normal(0, 1, (len(TAGS), n_channels)) * (rng.random((len(TAGS), n_channels)) < 0.3)
    present = (rng.random((n, len(TAGS))) < PRIOR).astype(np.float32)
    severity = rng.uniform(0.7, 1.6, present.shape) * present
    speed = rng.uniform(0.6, 1.4, (n, 1))
    x = (severity @ signature) * speed + 0.35 * rng.normal(0, 1, (n, n_channels))
    x[:, 0] += 3 * speed[:, 0]
    x = x * rng.uniform(0.5, 40, n_channels) + rng.normal(0, 20, n_channels)
    return x.astype(np.float32), present


def build_model(n_in, n_tags):
    return nn.Sequential(
        nn.Linear(n_in, 96),
        nn.LayerNorm(96),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(96, 48),
        nn.ReLU(),
        nn.Linear(48, n_tags),
    )


class FaultTagger:
    def __init__(self, n_in, n_tags, lr=2e-3):
        self.model = build_model(n_in, n_tags)
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)

    def training_step(self, batch):
        x, y = batch
        loss = self.criterion(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def predict(self, loader):
        self.model.eval()
        out, truth, losses = [], [], []
        for x, y in loader:
            z = self.model(x)
            losses.append(self.criterion(z, y).item() * len(x))
            out.append(torch.sigmoid(z))
            truth.append(y)
        self.model.train()
        truth = torch.cat(truth).numpy()
        return torch.cat(out).numpy(), truth, sum(losses) / len(truth)


def report(prob, truth):
    return (f1_score(truth, prob > 0.5, average="macro", zero_division=0),
            average_precision_score(truth, prob, average="macro"),
            np.abs(prob.mean(0) - truth.mean(0)).mean())


def main(epochs=10):
    torch.manual_seed(40)
    x, y = make_logs(5000, seed=40)
    n_train = 4000
    mean, std = x[:n_train].mean(0), x[:n_train].std(0)
    x = torch.from_numpy((x - mean) / std)
    y = torch.from_numpy(y)
    train = DataLoader(TensorDataset(x[:n_train], y[:n_train]), batch_size=64, shuffle=True)
    valid = DataLoader(TensorDataset(x[n_train:], y[n_train:]), batch_size=500)

    tagger = FaultTagger(x.shape[1], len(TAGS))
    for epoch in range(epochs):
        loss = np.mean([tagger.training_step(b) for b in train])
        prob, truth, val_loss = tagger.predict(valid)
        f1, ap, calib = report(prob, truth)
        print(f"epoch {epoch:2d}  loss {loss:.4f}  val {val_loss:.4f}  F1 {f1:.3f}  mAP {ap:.3f}  rate error {calib:.3f}")

    print("\ntag            predicted  actual")
    for name, p, t in zip(TAGS, (prob > 0.5).mean(0), truth.mean(0)):
        print(f"{name:14s} {p:9.3f} {t:7.3f}")


if __name__ == "__main__":
    main()
