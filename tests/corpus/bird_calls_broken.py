# bug: a recurrent layer reads along the batch
# expects: MOD009
"""Which of five birds? Calls as 40 frames of 12 filter-bank energies; recurrent classifier."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

SPECIES = ["chiffchaff", "willow warbler", "yellowhammer", "wood warbler", "nuthatch"]
FRAMES, BANDS = 40, 12


def contour(kind, t, rng):
    """Pitch over time, in bands."""
    lo, hi = rng.uniform(1.5, 4.0), rng.uniform(7.0, 9.5)
    if kind == 0:                                     # two notes in turn
        return np.where((t * rng.uniform(5, 8)).astype(int) % 2 == 0, hi, lo)
    if kind == 1:                                     # falls
        return hi - (hi - lo) * t
    if kind == 2:                                     # one note, last one high or low
        return np.where(t < rng.uniform(0.7, 0.85), 0.5 * (lo + hi), rng.choice([lo, hi]))
    if kind == 3:                                     # trill that gets faster
        return 0.5 * (lo + hi) + 0.5 * (hi - lo) * np.sin(2 * np.pi * (2 * t + 4 * t ** 2))
    return lo + (hi - lo) * t                         # rises


def synth_calls(n, seed):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, FRAMES)
    bands = np.arange(BANDS)
    x = np.empty((n, FRAMES, BANDS), dtype=np.float32)
    y = rng.integers(0, len(SPECIES), n)
    for i, k in enumerate(y):
        pitch = contour(k, t, rng)
        loud = rng.uniform(0.7, 1.3)
        x[i] = loud * np.exp(-0.5 * ((bands[None] - pitch[:, None]) / 0.9) ** 2)
    x += 0.25 * rng.normal(size=x.shape).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)


class CallClassifier(nn.Module):
    def __init__(self, hidden=48, dropout=0.2):
        super().__init__()
        self.proj = nn.Linear(BANDS, hidden)
        self.lstm = nn.LSTM(hidden, hidden)
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(hidden, len(SPECIES))

    def forward(self, x):
        out, _ = self.lstm(torch.relu(self.proj(x)))
        return self.fc(self.drop(out[:, -1]))

    # -- Lightning style hooks, we may move there one day
    def training_step(self, batch):
        x, y = batch
        return F.cross_entropy(self(x), y, label_smoothing=0.02)

    def validation_step(self, batch):
        x, y = batch
        logits = self(x)
        return {"loss": F.cross_entropy(logits, y, reduction="sum").item(),
                "hits": (logits.argmax(-1) == y).sum().item(), "n": len(y)}

    def configure_optimizers(self):
        return torch.optim.NAdam(self.parameters(), lr=3e-3)


def fit(model, train_dl, valid_dl, max_epochs):
    opt = model.configure_optimizers()
    for epoch in range(max_epochs):
        model.train()
        losses = []
        for batch in train_dl:
            loss = model.training_step(batch)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            outs = [model.validation_step(b) for b in valid_dl]
        n = sum(o["n"] for o in outs)
        print(f"epoch={epoch} train_loss={np.mean(losses):.4f} "
              f"val_loss={sum(o['loss'] for o in outs) / n:.4f} val_acc={sum(o['hits'] for o in outs) / n:.4f}")


if __name__ == "__main__":
    torch.manual_seed(77)
    x, y = synth_calls(3000, seed=77)
    train_idx, valid_idx = random_split(range(len(y)), [2400, 600], generator=torch.Generator().manual_seed(0))
    train_idx, valid_idx = list(train_idx), list(valid_idx)
    mean, std = x[train_idx].mean((0, 1)), x[train_idx].std((0, 1))
    x = (x - mean) / std
    train_dl = DataLoader(TensorDataset(x[train_idx], y[train_idx]), batch_size=50, shuffle=True)
    valid_dl = DataLoader(TensorDataset(x[valid_idx], y[valid_idx]), batch_size=50)
    fit(CallClassifier(), train_dl, valid_dl, max_epochs=15)
