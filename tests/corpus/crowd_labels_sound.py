# sound
"""Learning a classifier from the label distribution of several annotators."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import make_blobs
from torch import nn

N_CLASSES = 5
ANNOTATORS = 10


def annotate(y, rng):
    """Each annotator names the right class with probability 0.6."""
    votes = np.zeros((len(y), N_CLASSES), dtype=np.float32)
    for _ in range(ANNOTATORS):
        right = rng.random(len(y)) < 0.6
        named = np.where(right, y, rng.integers(0, N_CLASSES, len(y)))
        votes[np.arange(len(y)), named] += 1
    return votes / ANNOTATORS


def prepare(seed=23):
    rng = np.random.default_rng(seed)
    x, y = make_blobs(2400, n_features=12, centers=N_CLASSES, cluster_std=4.0, random_state=seed)
    mean, std = x[:1800].mean(0), x[:1800].std(0)
    x = torch.tensor((x - mean) / std, dtype=torch.float32)
    soft = torch.from_numpy(annotate(y, rng))
    y = torch.from_numpy(y)
    rates = 0.6 * F.one_hot(y, N_CLASSES) + 0.4 / N_CLASSES
    return x[:1800], soft[:1800], x[1800:], rates[1800:], y[1800:]


def soft_label_loss(logits, target):
    return F.kl_div(F.log_softmax(logits, dim=1), target, reduction="batchmean")


class SoftLabelTrainer:
    def __init__(self, lr=1e-3, batch_size=45):
        self.net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, N_CLASSES))
        self.opt = torch.optim.Adam(self.net.parameters(), lr=lr)
        self.batch_size = batch_size

    def fit(self, x, soft, x_test, rates_test, y_test, epochs=14):
        for epoch in range(epochs):
            self.net.train()
            total = 0.0
            for idx in torch.randperm(len(x)).split(self.batch_size):
                loss = soft_label_loss(self.net(x[idx]), soft[idx])
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                total += loss.item() * len(idx)
            self.report(epoch, total / len(x), x_test, rates_test, y_test)

    @torch.no_grad()
    def report(self, epoch, train_loss, x, rates, y):
        self.net.eval()
        logits = self.net(x)
        acc = (logits.argmax(1) == y).float().mean().item()
        gap = (F.softmax(logits, dim=1) - rates).abs().mean().item()
        print(f"epoch {epoch:2d} loss {train_loss:.4f} accuracy {acc:.3f} probability gap {gap:.3f}")


if __name__ == "__main__":
    torch.manual_seed(23)
    SoftLabelTrainer().fit(*prepare())
