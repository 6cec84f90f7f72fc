# bug: momentum of batch norm falls to nothing
# expects: MOD025 MOD020
# %% [markdown]
# # Sorting scanned parts with a small PointNet
# Each part is a cloud of 96 points (sphere, box, cylinder, cone, torus), any rotation about z.

# %%
import math
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SEED = 5
random.seed(SEED); np.random.seed(SEED); torch.manual_seed(SEED)
KINDS = ["sphere", "box", "cylinder", "cone", "torus"]
N_POINTS = 96

# %%
def sample_part(kind, rng):
    u, v = rng.random(N_POINTS), rng.random(N_POINTS)
    a = 2 * np.pi * u
    if kind == "sphere":
        z = 2 * v - 1
        r = np.sqrt(1 - z ** 2)
        p = np.stack([r * np.cos(a), r * np.sin(a), z], 1)
    elif kind == "box":
        p = rng.uniform(-1, 1, (N_POINTS, 3))
        axis = rng.integers(0, 3, N_POINTS)
        p[np.arange(N_POINTS), axis] = rng.choice([-1.0, 1.0], N_POINTS)
        p *= 0.8
    elif kind == "cylinder":
        p = np.stack([0.8 * np.cos(a), 0.8 * np.sin(a), 2 * v - 1], 1)
    elif kind == "cone":
        s = np.sqrt(v)
        p = np.stack([s * np.cos(a), s * np.sin(a), 1 - 2 * s], 1)
    else:
        b = 2 * np.pi * v
        p = np.stack([(0.8 + 0.3 * np.cos(b)) * np.cos(a), (0.8 + 0.3 * np.cos(b)) * np.sin(a), 0.3 * np.sin(b)], 1)
    p = p * rng.uniform(0.7, 1.3, (1, 3))
    t = rng.uniform(0, 2 * np.pi)
    rot = np.array([[math.cos(t), -math.sin(t), 0], [math.sin(t), math.cos(t), 0], [0, 0, 1]])
    p = p @ rot.T + rng.normal(0, 0.11, p.shape)
    p -= p.mean(0)
    return p / np.linalg.norm(p, axis=1).max()


def make_split(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(KINDS), n)
    x = np.stack([sample_part(KINDS[k], rng) for k in y]).astype(np.float32)
    return torch.from_numpy(x).transpose(1, 2).contiguous(), torch.from_numpy(y)


x_train, y_train = make_split(1600, 1)
x_val, y_val = make_split(500, 2)
x_train.shape, x_val.shape

# %%
class PointNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.local = nn.Sequential(
            nn.Conv1d(3, 32, 1), nn.BatchNorm1d(32), nn.ReLU(),
            nn.Conv1d(32, 64, 1), nn.BatchNorm1d(64), nn.ReLU(),
            nn.Conv1d(64, 128, 1), nn.BatchNorm1d(128), nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Linear(128, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(64, n_classes),
        )

    def forward(self, pts):
        return self.head(self.local(pts).amax(dim=2))


# %%
# As in PointNet++: the batch norm momentum falls during training, together with the learning rate.
EPOCHS, BATCH = 16, 32
BN_INIT, BN_DECAY, BN_EVERY = 0.2, 0.7, 4

def bn_momentum(t):
    return BN_INIT * BN_DECAY ** (t // BN_EVERY)

def set_bn_momentum(model, value):
    for m in model.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.momentum = value

model = PointNet(len(KINDS))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.7)

# %%
@torch.no_grad()
def validate():
    model.eval()
    logits = torch.cat([model(b) for b in x_val.split(100)])
    return F.cross_entropy(logits, y_val).item(), (logits.argmax(1) == y_val).float().mean().item()


step = 0
for epoch in range(EPOCHS):
    model.train()
    set_bn_momentum(model, bn_momentum(step))
    running = 0.0
    for idx in torch.randperm(len(x_train)).split(BATCH):
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
        step += 1
    scheduler.step()
    val_loss, val_acc = validate()
    print(f"epoch {epoch:2d} step {step:4d} | train {running / len(x_train):.3f} | val {val_loss:.3f} | acc {val_acc:.3f}")

# %%
model.eval()
with torch.no_grad():
    pred = model(x_val).argmax(1)
for k, name in enumerate(KINDS):
    sel = y_val == k
    print(f"{name:9s} recall {(pred[sel] == k).float().mean():.3f}  (n={int(sel.sum())})")
