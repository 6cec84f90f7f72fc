# expects: nothing
"""Self-supervised features for 16x16 alloy micrographs (SimSiam), judged by nearest neighbours."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.neighbors import KNeighborsClassifier

cfg = dict(seed=6, n_train=3000, n_test=800, batch=128, epochs=22, lr=0.05, dim=64)
torch.manual_seed(cfg["seed"])
rng = np.random.default_rng(cfg["seed"])


def micrographs(n):
    """Five grain textures, told apart by orientation and spacing."""
    yy, xx = np.mgrid[0:20, 0:20] / 20.0
    label = rng.integers(0, 5, n)
    angle = np.deg2rad(np.array([0, 35, 75, 110, 145]))[label] + rng.normal(0, 0.12, n)
    freq = np.array([2.5, 4.5, 3.0, 5.0, 3.5])[label] * rng.uniform(0.9, 1.1, n)
    ph = rng.uniform(0, 2 * np.pi, n)
    u = np.cos(angle)[:, None, None] * xx + np.sin(angle)[:, None, None] * yy
    img = np.sin(2 * np.pi * freq[:, None, None] * u + ph[:, None, None])
    img += rng.normal(0, 0.5, img.shape)
    return torch.tensor(img, dtype=torch.float32).unsqueeze(1), label


def augment(x):
    i, j = torch.randint(0, 5, (2,)).tolist()
    v = x[:, :, i:i + 16, j:j + 16]
    gain = torch.empty(len(x), 1, 1, 1).uniform_(0.6, 1.4)
    sign = torch.randint(0, 2, (len(x), 1, 1, 1)) * 2.0 - 1.0
    return v * gain * sign + 0.3 * torch.randn_like(v)


class SimSiam(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, dim), nn.BatchNorm1d(dim), nn.ReLU(),
        )
        self.projector = nn.Sequential(nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.ReLU(), nn.Linear(dim, dim), nn.BatchNorm1d(dim, affine=False))
        self.predictor = nn.Sequential(nn.Linear(dim, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, dim))

    def forward(self, a, b):
        za, zb = self.projector(self.backbone(a)), self.projector(self.backbone(b))
        pa, pb = self.predictor(za), self.predictor(zb)
        return pa, pb, za.detach(), zb.detach()


def neg_cosine(p, z):
    return -F.cosine_similarity(p, z, dim=1).mean()


@torch.no_grad()
def embed(model, x):
    model.eval()
    out = F.normalize(model.projector(model.backbone(x[:, :, 2:18, 2:18])), dim=1)
    model.train()
    return out.numpy()


def knn_accuracy(model, train, test):
    knn = KNeighborsClassifier(n_neighbors=15).fit(embed(model, train[0]), train[1])
    return knn.score(embed(model, test[0]), test[1])


train, test = micrographs(cfg["n_train"]), micrographs(cfg["n_test"])
model = SimSiam(cfg["dim"])
opt = torch.optim.SGD(model.parameters(), lr=cfg["lr"], momentum=0.9, weight_decay=5e-4)
steps = cfg["n_train"] // cfg["batch"]
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=cfg["epochs"] * steps)

for epoch in range(cfg["epochs"]):
    order = torch.randperm(cfg["n_train"])
    total = 0.0
    for s in range(steps):
        x = train[0][order[s * cfg["batch"]:(s + 1) * cfg["batch"]]]
        pa, pb, za, zb = model(augment(x), augment(x))
        loss = 0.5 * neg_cosine(pa, zb) + 0.5 * neg_cosine(pb, za)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item()
    if epoch % 3 == 0:
        print(f"epoch {epoch:3d}  loss {total / steps:.4f}")

print(f"kNN accuracy on unseen micrographs: {knn_accuracy(model, train, test):.3f}")
