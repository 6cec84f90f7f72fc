# sound
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Waveforms(Dataset):
    """Noisy sine, square, saw-tooth and pulse waves with random phase."""

    def __init__(self, per_class, seed):
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(0, 1, 48)
        xs, ys = [], []
        for kind in range(4):
            phase = torch.rand(per_class, 1, generator=g)
            freq = 2 + torch.rand(per_class, 1, generator=g)
            u = freq * t + phase
            if kind == 0:
                w = torch.sin(2 * math.pi * u)
            elif kind == 1:
                w = torch.sign(torch.sin(2 * math.pi * u))
            elif kind == 2:
                w = 2 * (u % 1.0) - 1
            else:
                w = ((u % 1.0) < 0.15).float() * 2 - 0.3
            xs.append(w + 0.35 * torch.randn(w.shape, generator=g))
            ys.append(torch.full((per_class,), kind))
        self.x = torch.cat(xs).unsqueeze(1)
        self.y = torch.cat(ys)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Trainer:
    def __init__(self, net, lr):
        self.net = net
        self.opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
        self.loss_fn = nn.CrossEntropyLoss()

    def fit_epoch(self, loader):
        self.net.train()
        total, count = 0.0, 0
        for x, y in loader:
            self.opt.zero_grad()
            loss = self.loss_fn(self.net(x), y)
            loss.backward()
            self.opt.step()
            total += loss.item() * len(y)
            count += len(y)
        return total / count

    @torch.no_grad()
    def accuracy(self, loader):
        self.net.eval()
        hits = sum((self.net(x).argmax(1) == y).sum().item() for x, y in loader)
        return hits / len(loader.dataset)


torch.manual_seed(2)
train_loader = DataLoader(Waveforms(300, seed=1), batch_size=30, shuffle=True)
test_loader = DataLoader(Waveforms(100, seed=2), batch_size=100)
net = nn.Sequential(
    nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
    nn.Conv1d(16, 16, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4),
    nn.Flatten(), nn.Linear(64, 4),
)
trainer = Trainer(net, lr=0.03)
for epoch in range(12):
    loss = trainer.fit_epoch(train_loader)
    print(f"epoch {epoch}: train loss {loss:.3f}, test accuracy {trainer.accuracy(test_loader):.3f}")
