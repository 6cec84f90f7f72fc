# expects: DAT018
"""Stretches of sound as 16-bit numbers, made louder before they become floating-point ones."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Tones(Dataset):
    def __init__(self, count, gain, seed):
        rng = np.random.default_rng(seed)
        self.gain = np.int16(gain)
        self.pitch = rng.integers(0, 4, count)
        time = np.arange(512) / 8000
        clips = np.sin(2 * np.pi * (200 + 150 * self.pitch)[:, None] * time + rng.uniform(0, 6, (count, 1)))
        clips = clips * rng.uniform(0.2, 0.7, (count, 1)) + 0.05 * rng.standard_normal((count, 512))
        self.clips = [np.clip(clip * 32767, -32768, 32767).astype(np.int16) for clip in clips]

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        clip = self.clips[index] * self.gain
        return torch.from_numpy(clip / 32768.0).float()[None], self.pitch[index]


torch.manual_seed(0)
loader = DataLoader(Tones(400, gain=3, seed=0), batch_size=20, shuffle=True)
model = nn.Sequential(
    nn.Conv1d(1, 16, 31, stride=4),
    nn.ReLU(),
    nn.Conv1d(16, 16, 9, stride=4),
    nn.ReLU(),
    nn.AdaptiveMaxPool1d(1),
    nn.Flatten(),
    nn.Linear(16, 4),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    total = 0.0
    for clips, pitches in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(clips), pitches)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))
