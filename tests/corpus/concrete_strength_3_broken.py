# bug: second einsum in Attention.forward takes values at the query index (bhid), so attention weights sum out and no token sees another
# expects: MOD058
from dataclasses import dataclass
import math

import torch
from torch import nn
import torch.nn.functional as F


@dataclass
class Config:
    n_rows: int = 4000
    n_cols: int = 8
    dim: int = 32
    heads: int = 4
    depth: int = 2
    batch: int = 128
    epochs: int = 28
    lr: float = 2e-3
    seed: int = 3


def make_mixes(cfg):
    g = torch.Generator().manual_seed(cfg.seed)
    x = torch.randn(cfg.n_rows, cfg.n_cols, generator=g)
    cement, water, slag, ash, plast, coarse, fine, age = x.unbind(1)
    strength = (1.2 * cement * age - 0.9 * water * cement + 0.8 * torch.tanh(2 * slag) * ash
                + 0.5 * plast - 0.3 * coarse + 0.2 * fine ** 2)
    strength = 35 + 8 * strength + 1.5 * torch.randn(cfg.n_rows, generator=g)
    return x * torch.tensor([60., 15., 40., 30., 3., 70., 65., 20.]) + 100, strength


class ColumnTokens(nn.Module):
    """One token per column: value * weight_col + bias_col."""

    def __init__(self, n_cols, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_cols, dim) / math.sqrt(dim))
        self.bias = nn.Parameter(torch.randn(n_cols, dim) / math.sqrt(dim))

    def forward(self, x):
        return x[:, :, None] * self.weight + self.bias


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.hd = heads, dim // heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, self.hd).permute(2, 0, 3, 1, 4)
        logits = torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(self.hd)
        attn = logits.softmax(dim=-1)
        mixed = torch.einsum("bhij,bhid->bihd", attn, v)
        return self.out(mixed.reshape(b, n, d))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.ff(self.n2(x))


class TableTransformer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.tokens = ColumnTokens(cfg.n_cols, cfg.dim)
        self.blocks = nn.ModuleList(Block(cfg.dim, cfg.heads) for _ in range(cfg.depth))
        self.norm = nn.LayerNorm(cfg.dim)
        self.head = nn.Linear(cfg.dim, 1)

    def forward(self, x):
        h = self.tokens(x)
        for blk in self.blocks:
            h = blk(h)
        return self.head(self.norm(h).mean(dim=1)).squeeze(-1)


@torch.no_grad()
def rmse_r2(model, x, y, scale):
    model.eval()
    err = (model(x) - y) * scale
    model.train()
    return err.pow(2).mean().sqrt().item(), 1 - (err.pow(2).mean() / (y * scale).var()).item()


def run(cfg):
    torch.manual_seed(cfg.seed)
    x, y = make_mixes(cfg)
    perm = torch.randperm(len(x))
    tr, va, te = perm[:2800], perm[2800:3300], perm[3300:]
    xm, xs, ym, ys = x[tr].mean(0), x[tr].std(0), y[tr].mean(), y[tr].std()
    x, y = (x - xm) / xs, (y - ym) / ys

    model = TableTransformer(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=1e-4)
    steps = cfg.epochs * math.ceil(len(tr) / cfg.batch)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, cfg.lr, total_steps=steps, pct_start=0.1)
    for ep in range(1, cfg.epochs + 1):
        total = 0.0
        for idx in tr[torch.randperm(len(tr))].split(cfg.batch):
            loss = F.mse_loss(model(x[idx]), y[idx])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        if ep % 4 == 0:
            rmse, r2 = rmse_r2(model, x[va], y[va], ys)
            print(f"[{ep:3d}] train mse {total / len(tr):.4f} | val rmse {rmse:.2f} MPa r2 {r2:.3f}")
    rmse, r2 = rmse_r2(model, x[te], y[te], ys)
    print(f"test rmse {rmse:.2f} MPa, r2 {r2:.3f}")


if __name__ == "__main__":
    run(Config())
