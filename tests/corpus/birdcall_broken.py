# expects: MEM003 MEM001
"""Classify short synthetic bird calls from spectrograms; the front end memoises its transforms."""
import resource
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

RATE, LENGTH, SPECIES = 4000, 4096, 5


def synth_call(g, kind):
    t = np.arange(LENGTH) / RATE
    f0 = g.uniform(500, 800)
    sweep = {0: f0 + 500 * t, 1: f0 + 600 - 500 * t, 2: f0 + 120 * np.sin(2 * np.pi * 6 * t),
             3: f0 + 120 * np.sin(2 * np.pi * 14 * t), 4: np.full_like(t, f0)}[kind]
    tone = np.sin(2 * np.pi * np.cumsum(sweep) / RATE)
    centre, width = g.uniform(0.35, 0.65), g.uniform(0.18, 0.3)
    return tone * np.exp(-0.5 * ((t - centre) / width) ** 2) + g.normal(0, 0.9, LENGTH)


def make_calls(n, seed):
    g = np.random.default_rng(seed)
    y = g.integers(0, SPECIES, n)
    x = np.stack([synth_call(g, k) for k in y]).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)


class FrontEnd:
    def __init__(self, waves, n_fft=256, hop=64):
        self.waves, self.n_fft, self.hop = waves, n_fft, hop
        self.window = torch.hann_window(n_fft)
        self.memo = {}

    def transform(self, wave):
        spec = torch.stft(wave, self.n_fft, self.hop, window=self.window, return_complex=True).abs()
        return torch.log1p(spec[..., :96, :])

    def __call__(self, rows):
        key = tuple(rows.tolist())
        if key not in self.memo:
            self.memo[key] = self.transform(self.waves[rows])
        return self.memo[key].unsqueeze(1)

    def megabytes(self):
        return sum(v.numel() * v.element_size() for v in self.memo.values()) / 2 ** 20


class CallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 8, 5, stride=2, padding=2)
        self.c2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.c3 = nn.Conv2d(16, 24, 3, stride=2, padding=1)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(8), nn.BatchNorm2d(16), nn.BatchNorm2d(24)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(24, SPECIES)

    def forward(self, x):
        x = F.relu(self.bn1(self.c1(x)))
        x = F.relu(self.bn2(self.c2(x)))
        x = F.relu(self.bn3(self.c3(x)))
        return self.fc(self.drop(x.mean((2, 3))))


torch.manual_seed(41)
waves, species = make_calls(1000, 1)
val_waves, val_species = make_calls(300, 2)
front, val_front = FrontEnd(waves), FrontEnd(val_waves)
net = CallNet()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
EPOCHS = 14
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)

for epoch in range(1, EPOCHS + 1):
    start = time.perf_counter()
    net.train()
    total = 0.0
    for rows in torch.randperm(len(waves)).split(40):
        loss = F.cross_entropy(net(front(rows)), species[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(rows)
    sched.step()
    net.eval()
    hits = 0
    with torch.no_grad():
        for rows in torch.arange(len(val_waves)).split(100):
            hits += (net(val_front(rows)).argmax(1) == val_species[rows]).sum().item()
    print(f"epoch {epoch:2d}  loss {total / len(waves):.4f}  val acc {hits / len(val_waves):.3f}  "
          f"memo {front.megabytes():.0f} MB  {time.perf_counter() - start:.1f} s")

print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
