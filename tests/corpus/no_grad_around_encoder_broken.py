# bug: the encoder is called inside torch.no_grad() although it is to be trained from scratch with the head
# expects: MOD011 LOS006
import abc
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset


class Spectrum(IterableDataset):
    """Signals whose class is the spacing of two peaks in the spectrum."""

    def __init__(self, n, seed):
        self.n, self.seed = n, seed

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed)
        t = torch.arange(48) / 48.0
        for _ in range(self.n):
            c = int(torch.randint(0, 3, (1,), generator=g))
            f = 3 + int(torch.randint(0, 6, (1,), generator=g))
            p = torch.rand(2, generator=g) * 2 * math.pi
            s = torch.sin(2 * math.pi * f * t + p[0]) + torch.sin(2 * math.pi * (f + 2 + 3 * c) * t + p[1])
            yield s + 0.1 * torch.randn(48, generator=g), c


class Base(nn.Module, abc.ABC):
    @abc.abstractmethod
    def training_step(self, batch): ...


class Classifier(Base):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, 48)),
            nn.Conv1d(1, 32, 9, padding=4), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(32, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, x):
        with torch.no_grad():
            z = self.encoder(x)
        return self.head(z)

    def training_step(self, batch):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)


class Fit:
    def __init__(self, module, lr, log_every):
        self.module, self.log_every = module, log_every
        self.opt = torch.optim.AdamW(module.parameters(), lr=lr)
        self.global_step = 0

    def __call__(self, loader):
        self.module.train()
        for batch in loader:
            loss = self.module.training_step(batch)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.global_step += 1
            if self.global_step % self.log_every == 0:
                print(f"step={self.global_step} loss={loss.item():.4f}")

    @torch.no_grad()
    def test(self, loader):
        self.module.eval()
        right = [(self.module(x).argmax(1) == y).float() for x, y in loader]
        return torch.cat(right).mean().item()


torch.manual_seed(55)
fit = Fit(Classifier(), lr=2e-3, log_every=60)
for seed in range(6):
    fit(DataLoader(Spectrum(1600, seed), batch_size=40))
    print(f"pass {seed}: test accuracy {fit.test(DataLoader(Spectrum(500, 1000), batch_size=250)):.3f}")
