# expects: nothing
"""Locate a leak along a pipeline from one fibre-optic temperature trace (position in km)."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

PIPE_KM = 12.0
POINTS = 120


def make_traces(n, gen):
    km = torch.linspace(0, PIPE_KM, POINTS)
    leak = torch.rand(n, generator=gen) * (PIPE_KM - 1) + 0.5
    width = 0.15 + 0.2 * torch.rand(n, generator=gen)
    depth = 1.5 + torch.rand(n, generator=gen)
    dip = -depth[:, None] * torch.exp(-((km - leak[:, None]) / width[:, None]) ** 2)
    base = 0.5 * torch.sin(km * 2.1 + 6.28 * torch.rand(n, 1, generator=gen))
    noise = 0.3 * torch.randn(n, POINTS, generator=gen)
    return (dip + base + noise).unsqueeze(1), leak


class WithDistance(nn.Module):
    """Appends a channel that runs from -1 to 1 along the pipe."""

    def forward(self, x):
        n, _, length = x.shape
        ramp = torch.linspace(-1, 1, length, device=x.device).view(1, 1, -1).expand(n, 1, length)
        return torch.cat([x, ramp], dim=1)


class LeakNet(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.distance = WithDistance()
        self.body = nn.Sequential(
            nn.Conv1d(2, ch, 7, padding=3), nn.GELU(),
            nn.Conv1d(ch, ch, 7, padding=3), nn.GELU(),
            nn.Conv1d(ch, ch, 5, padding=2), nn.GELU())
        self.score = nn.Conv1d(ch, 1, 1)
        self.value = nn.Conv1d(ch, ch, 1)
        self.out = nn.Linear(ch, 1)

    def forward(self, x):
        h = self.body(self.distance(x))
        attn = self.score(h).softmax(dim=2)
        pooled = (attn * self.value(h)).sum(dim=2)
        return self.out(pooled).squeeze(1)


class Experiment:
    def __init__(self, epochs=12, batch_size=64, lr=2e-3, seed=20):
        torch.manual_seed(seed)
        gen = torch.Generator().manual_seed(seed)
        x, km = make_traces(3000, gen)
        train, valid = random_split(TensorDataset(x, km), [2400, 600], generator=gen)
        self.center = km[train.indices].mean()
        self.spread = km[train.indices].std()
        self.train_dl = DataLoader(train, batch_size, shuffle=True)
        self.valid_dl = DataLoader(valid, batch_size)
        self.net = LeakNet()
        self.optim = torch.optim.AdamW(self.net.parameters(), lr=lr, weight_decay=1e-3)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(
            self.optim, max_lr=lr * 2, total_steps=epochs * len(self.train_dl))
        self.epochs = epochs

    def training_step(self, batch):
        x, km = batch
        return nn.functional.smooth_l1_loss(self.net(x), (km - self.center) / self.spread)

    def validate(self):
        self.net.eval()
        err = []
        with torch.no_grad():
            for x, km in self.valid_dl:
                err.append((self.net(x) * self.spread + self.center - km).abs())
        return torch.cat(err)

    def run(self):
        for epoch in range(self.epochs):
            self.net.train()
            losses = []
            for batch in self.train_dl:
                loss = self.training_step(batch)
                self.optim.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
                self.optim.step()
                self.sched.step()
                losses.append(loss.detach())
            err = self.validate()
            print(f"epoch {epoch:2d}  train {torch.stack(losses).mean():.4f}  "
                  f"val MAE {err.mean():.3f} km  within 500 m {(err < 0.5).float().mean():.3f}")


Experiment().run()
