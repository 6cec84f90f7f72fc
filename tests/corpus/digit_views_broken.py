# bug: A self-supervised / contrastive representation collapses to a constant (a real cause of your own).
# expects: LOS052
"""Self-supervised digits (variance / invariance / covariance loss on two views), judged with a linear probe."""
from types import SimpleNamespace

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

cfg = SimpleNamespace(seed=13, batch=128, epochs=48, lr=2e-3, wd=1e-5, emb=32, proj=48,
                      inv=10.0, var=25.0, cov=1.0)


def augment(x):
    """Random shift by up to one pixel, per-image contrast, noise and erased pixels."""
    n = len(x)
    pad = F.pad(x, (1, 1, 1, 1))
    dx, dy = torch.randint(0, 3, (2, n))
    rows = dy[:, None] + torch.arange(8)
    cols = dx[:, None] + torch.arange(8)
    v = pad[torch.arange(n)[:, None, None], 0, rows[:, :, None], cols[:, None, :]].unsqueeze(1)
    v = v * (0.7 + 0.6 * torch.rand(n, 1, 1, 1))
    v = v * (torch.rand_like(v) > 0.05)
    return v + 0.05 * torch.randn_like(v)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, cfg.emb),
        )
        self.projector = nn.Sequential(nn.ReLU(), nn.Linear(cfg.emb, 64), nn.ReLU(), nn.Linear(64, cfg.proj))

    def forward(self, x):
        h = self.features(x)
        return h, self.projector(h)


def spread(z):
    std = torch.sqrt(z.var(dim=1) + 1e-4)
    return F.relu(1.0 - std).mean()


def decorrelate(z):
    n, d = z.shape
    z = z - z.mean(0)
    c = z.T @ z / (n - 1)
    return (c.pow(2).sum() - c.diagonal().pow(2).sum()) / d


def ssl_loss(a, b):
    inv = F.mse_loss(a, b)
    var = 0.5 * (spread(a) + spread(b))
    cov = decorrelate(a) + decorrelate(b)
    return cfg.inv * inv + cfg.var * var + cfg.cov * cov


@torch.no_grad()
def probe(model, xa, ya, xb, yb):
    model.eval()
    ha, za = model(xa)
    hb, _ = model(xb)
    clf = LogisticRegression(max_iter=2000).fit(ha.numpy(), ya)
    return clf.score(hb.numpy(), yb), za.std(0).mean().item(), ha.std(0).mean().item()


if __name__ == "__main__":
    torch.manual_seed(cfg.seed)
    d = load_digits()
    xa, xb, ya, yb = train_test_split(d.images / 16.0, d.target, test_size=0.25, random_state=cfg.seed, stratify=d.target)
    xa, xb = (torch.tensor(t, dtype=torch.float32).unsqueeze(1) for t in (xa, xb))
    model = Encoder()
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.wd)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        batches = torch.randperm(len(xa)).split(cfg.batch)
        for idx in batches:
            _, z1 = model(augment(xa[idx]))
            _, z2 = model(augment(xa[idx]))
            loss = ssl_loss(z1, z2)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 8 == 7:
            acc, zs, hs = probe(model, xa, ya, xb, yb)
            print(f"epoch {epoch + 1:2d}: loss {total / len(batches):.3f}  probe acc {acc:.3f}  std of z {zs:.4f}, of h {hs:.4f}")
