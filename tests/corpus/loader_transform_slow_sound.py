import math
import time

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Tones(Dataset):
    """Which of five chords is played? The features are log magnitudes of the first bins."""

    CHORDS = [(3, 5), (3, 7), (5, 8), (4, 8), (4, 6)]

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(0, 5, (n,), generator=g)
        t = torch.arange(40) / 40
        self.signals = []
        for c in self.labels.tolist():
            s = sum(torch.sin(2 * math.pi * f * t + 6.28 * torch.rand(1, generator=g)) for f in self.CHORDS[c])
            self.signals.append((s + 1.0 * torch.randn(40, generator=g)).tolist())
        # the features never change: work them out once
        table = torch.arange(12).view(-1, 1) * t * 2 * math.pi
        x = torch.tensor(self.signals)
        self.features = torch.log1p((x @ table.cos().t()) ** 2 + (x @ table.sin().t()) ** 2) - 1.5

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.features[i], self.labels[i]


torch.manual_seed(0)
train_loader = DataLoader(Tones(1500, 0), batch_size=50, shuffle=True)
test_loader = DataLoader(Tones(300, 1), batch_size=100)
mlp = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.Adam(mlp.parameters(), lr=5e-3)
for epoch in range(6):
    t0 = time.perf_counter()
    mlp.train()
    for feats, labels in train_loader:
        loss = nn.functional.cross_entropy(mlp(feats), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    took = time.perf_counter() - t0
    mlp.eval()
    with torch.no_grad():
        ok = sum((mlp(f).argmax(1) == l).sum().item() for f, l in test_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {ok / 300:.3f} in {took:.2f} s")
