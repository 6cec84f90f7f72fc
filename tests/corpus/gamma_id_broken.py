# bug: squares of counts in half precision overflow: strong spectra become rows of zeros
# expects: no-rule-yet
"""Which isotope?  Small classifier for gamma-ray spectra; the counts are kept as float16 to save memory."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score
from torch.utils.data import DataLoader, TensorDataset, random_split

BINS = 128
LINES = {                       # line positions (bin) and relative intensity
    "Cs-137": [(66, 1.0), (8, 0.4)],
    "Co-60": [(100, 0.9), (112, 0.8)],
    "Ba-133": [(30, 0.5), (36, 1.0), (12, 0.6)],
    "Eu-152": [(14, 0.9), (34, 0.7), (78, 0.5), (96, 0.5)],
    "Am-241": [(10, 1.0)],
    "Na-22": [(51, 1.0), (110, 0.4)],
}
NAMES = list(LINES)


def simulate(n, rng):
    e = np.arange(BINS)
    spectra, labels = [], []
    for _ in range(n):
        k = rng.integers(len(NAMES))
        rate = np.exp(rng.uniform(np.log(1.5), np.log(900)))      # distance and activity differ a lot
        gain = rng.normal(1.0, 0.05)
        mean = 0.15 * rate * np.exp(-e / rng.uniform(20, 45)) + 2.0
        for pos, strength in LINES[NAMES[k]]:
            width = 1.5 + 0.03 * pos
            mean = mean + rate * strength * np.exp(-0.5 * ((e - pos * gain) / width) ** 2)
        spectra.append(np.minimum(rng.poisson(mean), 2000))
        labels.append(k)
    counts = torch.tensor(np.array(spectra), dtype=torch.float32).half()
    return TensorDataset(counts, torch.tensor(labels))


class UnitNorm(nn.Module):
    """Scale each spectrum to length one so that the source strength drops out."""

    def forward(self, counts):
        length = counts.pow(2).sum(dim=1, keepdim=True).sqrt()
        return counts / length


class IsotopeNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.norm = UnitNorm()
        self.features = nn.Sequential(
            nn.Conv1d(1, 12, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(12, 24, 5, padding=2), nn.ReLU(), nn.MaxPool1d(4),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(24 * BINS // 8, 48), nn.ReLU(), nn.Linear(48, n_classes))

    def forward(self, counts):
        x = self.norm(counts).float() * BINS ** 0.5
        return self.head(self.features(x.unsqueeze(1)))


class Trainer:
    def __init__(self, model, train_set, valid_set, lr=1e-3, batch_size=64):
        self.model = model
        self.loss_fn = nn.CrossEntropyLoss()
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)
        self.train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
        self.valid_loader = DataLoader(valid_set, batch_size=256)

    def train_epoch(self):
        self.model.train()
        losses = []
        for counts, label in self.train_loader:
            self.opt.zero_grad()
            loss = self.loss_fn(self.model(counts), label)
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        losses, pred, true = [], [], []
        for counts, label in self.valid_loader:
            logits = self.model(counts)
            losses.append(self.loss_fn(logits, label).item() * len(label))
            pred.append(logits.argmax(1))
            true.append(label)
        pred, true = torch.cat(pred).numpy(), torch.cat(true).numpy()
        return sum(losses) / len(true), balanced_accuracy_score(true, pred)

    def fit(self, epochs):
        for epoch in range(1, epochs + 1):
            train_loss = self.train_epoch()
            valid_loss, bacc = self.validate()
            print(f"epoch {epoch:2d}: train {train_loss:.4f}  valid {valid_loss:.4f}  balanced acc {bacc:.3f}")


if __name__ == "__main__":
    torch.manual_seed(5)
    data = simulate(3000, np.random.default_rng(5))
    train_set, valid_set = random_split(data, [2400, 600], generator=torch.Generator().manual_seed(5))
    Trainer(IsotopeNet(len(NAMES)), train_set, valid_set).fit(epochs=8)
