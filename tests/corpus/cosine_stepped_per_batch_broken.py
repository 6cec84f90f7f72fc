# bug: CosineAnnealingLR with T_max in epochs is stepped per batch, so the rate swings up and down every few batches
# expects: OPT011
"""Speech-command-like spectrogram classification on made-up chirps."""
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainArgs:
    epochs: int = 10
    batch_size: int = 40
    lr: float = 0.1
    momentum: float = 0.9
    min_lr: float = 0.0
    n_train: int = 1000
    n_val: int = 300
    seed: int = 3
    name: str = Path(__file__).stem


def chirps(n, g):
    t = torch.linspace(0, 1, 256)
    y = torch.randint(0, 4, (n,), generator=g)
    f0 = 20 + 20 * torch.rand(n, 1, generator=g)
    rate = torch.tensor([0.0, 25.0, -15.0, 0.0])[y].unsqueeze(1)
    wobble = torch.where(y == 3, 1.5, 0.0).unsqueeze(1)
    wave = torch.sin(2 * torch.pi * (f0 * t + rate * t**2) + wobble * torch.sin(2 * torch.pi * 6 * t))
    wave = wave + 1.8 * torch.randn(n, 256, generator=g)
    spec = torch.stft(wave, 64, 16, window=torch.hann_window(64), return_complex=True).abs()
    return torch.log1p(spec).unsqueeze(1), y


class SpecNet(nn.Module):
    def __init__(self):
        super().__init__()

        def block(a, b):
            return nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())

        self.body = nn.Sequential(block(1, 6), block(6, 12), block(12, 16))
        self.head = nn.Linear(16 * 5 * 3, 4)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


def main(args):
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    train = DataLoader(TensorDataset(*chirps(args.n_train, g)), args.batch_size, shuffle=True)
    xv, yv = chirps(args.n_val, g)
    model = SpecNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs, eta_min=args.min_lr)
    for epoch in range(args.epochs):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            acc = (model(xv).argmax(1) == yv).float().mean().item()
        print(f"{args.name} epoch {epoch} loss {loss.item():.4f} lr {optimizer.param_groups[0]['lr']:.5f} acc {acc:.3f}")


if __name__ == "__main__":
    main(TrainArgs())
