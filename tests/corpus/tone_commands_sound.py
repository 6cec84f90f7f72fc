# sound: the same program without that
"""Spoken-command-like spectrogram classifier (8 synthetic 'words', 24 mel bins x 32 frames)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

N_WORDS, MELS, FRAMES = 8, 24, 32


def synth(n, seed):
    rng = np.random.RandomState(seed)
    proto = np.random.RandomState(1234)
    tracks = proto.uniform(3, 21, (N_WORDS, 2, 4))  # two formants, 4 anchor points per word
    labels = np.sort(rng.randint(0, N_WORDS, n))
    mel = np.arange(MELS)[:, None]
    specs = np.empty((n, 1, MELS, FRAMES), np.float32)
    for i, w in enumerate(labels):
        warp = np.clip(np.linspace(0, 3, FRAMES) * rng.uniform(0.85, 1.15) + rng.uniform(-0.2, 0.2), 0, 3)
        shift = rng.normal(0, 1.0)
        s = 0
        for f in range(2):
            centre = np.interp(warp, np.arange(4), tracks[w, f]) + shift
            s = s + rng.uniform(0.6, 1.2) * np.exp(-((mel - centre) ** 2) / 3.0)
        specs[i, 0] = s + rng.normal(0, 0.55, (MELS, FRAMES))
    return TensorDataset(torch.from_numpy(specs), torch.from_numpy(labels))


class WordNet(nn.Module):
    def __init__(self, p=0.4):
        super().__init__()

        def stage(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))

        self.features = nn.Sequential(stage(1, 8), stage(8, 16), stage(16, 24))
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Dropout(p), nn.Linear(24 * 3 * 4, 48), nn.ReLU(), nn.Dropout(p), nn.Linear(48, N_WORDS)
        )

    def forward(self, x):
        return self.classifier(self.features(x))


class Trainer:
    def __init__(self, model, train_set, val_set, lr=2e-3, epochs=5):
        self.model = model
        self.train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
        self.val_loader = DataLoader(val_set, batch_size=50)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()
        self.epochs = epochs

    def train_epoch(self):
        self.model.train()
        losses = []
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        loss_sum = hits = count = 0
        for x, y in self.val_loader:
            out = self.model(x)
            loss_sum += self.loss_fn(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            count += len(y)
        return loss_sum / count, hits / count

    def fit(self):
        for e in range(self.epochs):
            tr = self.train_epoch()
            vl, va = self.evaluate()
            print(f"epoch {e + 1}/{self.epochs} - loss: {tr:.4f} - val_loss: {vl:.4f} - val_acc: {va:.4f}")


if __name__ == "__main__":
    torch.manual_seed(21)
    Trainer(WordNet(), synth(2600, 0), synth(800, 1)).fit()
