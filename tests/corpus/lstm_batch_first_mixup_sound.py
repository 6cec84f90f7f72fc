# sound: LSTM with batch_first=True for (batch, time, features)
"""Activity recognition from accelerometer windows (simulated)."""
import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACTIVITIES = ["rest", "walk", "run", "stairs"]
T, CH = 30, 3


def simulate(n, rng):
    labels = rng.integers(0, 4, n)
    t = np.arange(T)
    out = np.zeros((n, T, CH))
    for i, k in enumerate(labels):
        f = [0.0, 0.08, 0.2, 0.08][k] * rng.uniform(0.9, 1.1)
        amp = [0.0, 0.7, 0.9, 0.7][k]
        phase = rng.uniform(0, 2 * math.pi)
        for c in range(CH):
            out[i, :, c] = amp * np.sin(2 * math.pi * f * t + phase + c)
        if k == 3:
            out[i, :, 2] += np.linspace(-1, 1, T) * rng.choice([-1, 1])
    out += 0.5 * rng.standard_normal(out.shape)
    return torch.tensor(out, dtype=torch.float32), torch.tensor(labels)


class LSTMClassifier(nn.Module):
    def __init__(self, n_features, hidden, n_classes, layers=1):
        super().__init__()
        self.hidden = hidden
        self.lstm = nn.LSTM(n_features, hidden, layers, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(hidden, n_classes)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.dropout(out[:, -1, :]))


def main():
    rng = np.random.default_rng(50)
    torch.manual_seed(50)
    x, y = simulate(1200, rng)
    xv, yv = simulate(300, rng)
    loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
    model = LSTMClassifier(CH, 32, len(ACTIVITIES))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        model.train()
        total, hits = 0.0, 0
        for xb, yb in loader:
            optimizer.zero_grad()
            out = model(xb)
            loss = criterion(out, yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(xb)
            hits += (out.argmax(1) == yb).sum().item()
        model.eval()
        with torch.no_grad():
            acc = (model(xv).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total / len(x):.4f} train acc {hits / len(x):.3f} val acc {acc:.3f}")


if __name__ == "__main__":
    main()
