# expects: nothing
"""Kind of a 2-d point cloud (detector hits) with cosine attention over the set."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)
rng = np.random.default_rng(2)
POINTS = 24
KINDS = ["ring", "blob", "cross", "spiral", "two blobs", "line"]


def cloud(kind):
    a = rng.uniform(0, 2 * np.pi, POINTS)
    s = rng.uniform(-1, 1, POINTS)
    if kind == 0:
        p = np.stack([np.cos(a), np.sin(a)], 1)
    elif kind == 1:
        p = rng.normal(0, 0.6, (POINTS, 2))
    elif kind == 2:
        pick = rng.random(POINTS) < 0.5
        p = np.where(pick[:, None], np.stack([s, 0 * s], 1), np.stack([0 * s, s], 1)) * 1.2
    elif kind == 3:
        r = a / (2 * np.pi) * 1.3
        p = np.stack([r * np.cos(1.5 * a), r * np.sin(1.5 * a)], 1)
    elif kind == 4:
        p = rng.normal(0, 0.3, (POINTS, 2)) + np.where(rng.random(POINTS) < 0.5, 1, -1)[:, None] * [0.8, 0]
    else:
        p = np.stack([s * 1.4, 0 * s], 1)
    turn = rng.uniform(0, 2 * np.pi)
    rot = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return p @ rot.T + rng.normal(0, 0.12, (POINTS, 2))


def dataset(n):
    k = rng.integers(0, len(KINDS), n)
    x = np.stack([cloud(i) for i in k]).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(k)


class CosineAttention(nn.Module):
    def __init__(self, dim, heads, init_scale=10.0):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(init_scale)))

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        cos = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        weights = (cos * self.logit_scale.exp()).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, n, d))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.att = CosineAttention(dim, heads)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.ff(self.n2(x))


class CloudNet(nn.Module):
    def __init__(self, dim=32, heads=4, depth=2):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(2, dim), nn.GELU(), nn.Linear(dim, dim))
        self.summary = nn.Parameter(torch.randn(1, 1, dim) * 0.5)
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(KINDS))

    def forward(self, pts):
        x = torch.cat([self.summary.expand(len(pts), -1, -1), self.embed(pts)], 1)
        return self.head(self.norm(self.blocks(x)[:, 0]))


xtr, ytr = dataset(3000)
xva, yva = dataset(800)
net = CloudNet()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
EPOCHS, BATCH = 10, 64
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=EPOCHS * math.ceil(len(xtr) / BATCH))
for epoch in range(EPOCHS):
    net.train()
    losses = []
    for idx in torch.randperm(len(xtr)).split(BATCH):
        loss = F.cross_entropy(net(xtr[idx]), ytr[idx])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        acc = (net(xva).argmax(1) == yva).float().mean().item()
    print(f"{epoch + 1:2d}  loss {sum(losses) / len(losses):.4f}  val acc {acc:.4f}")
