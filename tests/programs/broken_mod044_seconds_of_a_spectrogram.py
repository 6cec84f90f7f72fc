# expects: MOD044
"""A recurrent reader of spectrograms: what the convolutions made is laid out as steps without the axes being exchanged."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def recordings(count, rng):
    """Two tones, one after the other; which of them comes first is what is asked."""
    kinds = rng.integers(0, 2, count)
    pictures = rng.normal(0, 0.4, (count, 1, 16, 32)).astype(np.float32)
    for picture, kind in zip(pictures, kinds, strict=True):
        low, high = rng.integers(2, 6), rng.integers(9, 13)
        early, late = rng.integers(0, 10), rng.integers(18, 26)
        first, second = (low, high) if kind else (high, low)
        picture[0, first, early : early + 5] += 1.5
        picture[0, second, late : late + 5] += 1.5
    return TensorDataset(torch.from_numpy(pictures), torch.from_numpy(kinds))


class Listener(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.heard = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
        )
        self.memory = nn.LSTM(channels * 8, 24)
        self.says = nn.Linear(24, 2)

    def forward(self, spectrogram):
        heard = self.heard(spectrogram)
        count, channels, bands, steps = heard.shape
        series = heard.reshape(count, -1, channels * bands).transpose(0, 1)
        return self.says(self.memory(series)[0][-1])


torch.manual_seed(8)
rng = np.random.default_rng(8)
loader = DataLoader(recordings(1500, rng), batch_size=50, shuffle=True)
pictures, kinds = recordings(300, rng).tensors
model = Listener()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for batch, answers in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(batch), answers)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(pictures).argmax(1) == kinds).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} right {right:.3f}")
