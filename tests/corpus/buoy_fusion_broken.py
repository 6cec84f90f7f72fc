# bug: PoolingAttention multiplies the scores by sqrt(head_dim) instead of dividing (exponent sign), so the softmax saturates
# expects: NUM007
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class BuoySets(Dataset):
    """Each item: readings of 20 drifting buoys and the true mean swell of the area."""

    def __init__(self, n, seed):
        g = np.random.default_rng(seed)
        swell = g.normal(0.0, 1.0, (n, 1))
        kind = g.integers(0, 4, (n, 20))
        noise = np.array([0.5, 0.7, 1.0, 4.0])[kind]
        bias = np.array([0.0, 0.8, -0.8, 0.0])[kind]
        reading = swell + bias + noise * g.normal(size=(n, 20))
        battery = g.uniform(0, 1, (n, 20))
        feats = np.concatenate([reading[..., None], battery[..., None] - 0.5, np.eye(4)[kind]], axis=-1)
        self.x = torch.tensor(feats, dtype=torch.float32)
        self.y = torch.tensor(swell[:, 0], dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class PoolingAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.head_dim = width // heads
        self.scale = self.head_dim ** 0.5
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, z):
        return z.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)

    def forward(self, x):
        h = self.norm(x)
        q = self.split(self.to_q(h)) * self.scale
        k, v = self.split(self.to_k(h)), self.split(self.to_v(h))
        w = torch.softmax(q @ k.transpose(-2, -1), dim=-1)
        y = (w @ v).transpose(1, 2).flatten(2)
        return x + self.out(y)


class SwellNet(nn.Module):
    def __init__(self, width=128, heads=2):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, width))
        self.query = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.mix = PoolingAttention(width, heads)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        tokens = torch.cat([self.query.expand(len(x), -1, -1), self.embed(x)], dim=1)
        return self.head(self.mix(tokens)[:, 0]).squeeze(-1)


def rmse(model, loader):
    model.eval()
    err, n = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            err += (model(x) - y).square().sum().item()
            n += len(y)
    return (err / n) ** 0.5


def fit():
    torch.manual_seed(4)
    train = DataLoader(BuoySets(6000, 100), batch_size=64, shuffle=True)
    valid = DataLoader(BuoySets(1500, 200), batch_size=256)
    test = DataLoader(BuoySets(3000, 300), batch_size=256)
    model = SwellNet()
    epochs = 10
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 2e-3, total_steps=epochs * len(train))
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for x, y in train:
            loss = nn.functional.mse_loss(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            running += loss.item()
        print(f"epoch {epoch:2d}  train mse {running / len(train):.4f}  valid rmse {rmse(model, valid):.4f}")
    print(f"test rmse {rmse(model, test):.4f}")


fit()
