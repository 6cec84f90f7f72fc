# expects: nothing
"""Tag every event of a machine log: does this 'close' belong to an earlier 'open' of the same device?"""
from dataclasses import dataclass
import torch
from torch import nn
import torch.nn.functional as F


@dataclass
class Hyper:
    devices: int = 12
    length: int = 24
    dim: int = 48
    heads: int = 4
    layers: int = 2
    batch: int = 64
    epochs: int = 8
    lr: float = 1e-3
    seed: int = 17


def simulate(hp, n, gen):
    """Token = device (open) or devices + device (close). Tag 0: open, 1: close seen open before, 2: stray close."""
    dev = torch.randint(0, hp.devices, (n, hp.length), generator=gen)
    close = torch.rand(n, hp.length, generator=gen) < 0.5
    tags = torch.zeros(n, hp.length, dtype=torch.long)
    seen = torch.zeros(n, hp.devices, dtype=torch.bool)
    rows = torch.arange(n)
    for t in range(hp.length):
        d, c = dev[:, t], close[:, t]
        before = seen[rows, d]
        tags[:, t] = torch.where(c, torch.where(before, 1, 2), 0)
        seen[rows, d] |= ~c
    return dev + hp.devices * close.long(), tags


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def split(self, x):
        b, t, d = x.shape
        return x.reshape(b, t, self.heads, d // self.heads).transpose(1, 2)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = map(self.split, self.qkv(x).chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(mixed.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.att = Attention(dim, heads)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.ff(self.n2(x))


class Tagger(nn.Module):
    def __init__(self, hp):
        super().__init__()
        self.tok = nn.Embedding(2 * hp.devices, hp.dim)
        self.pos = nn.Parameter(0.02 * torch.randn(hp.length, hp.dim))
        self.blocks = nn.ModuleList(Block(hp.dim, hp.heads) for _ in range(hp.layers))
        self.norm = nn.LayerNorm(hp.dim)
        self.out = nn.Linear(hp.dim, 3)

    def forward(self, ids):
        h = self.tok(ids) + self.pos
        for block in self.blocks:
            h = block(h)
        return self.out(self.norm(h))


def run(hp):
    torch.manual_seed(hp.seed)
    gen = torch.Generator().manual_seed(hp.seed)
    x, y = simulate(hp, 2400, gen)
    vx, vy = simulate(hp, 600, gen)
    net = Tagger(hp)
    opt = torch.optim.AdamW(net.parameters(), lr=hp.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, hp.epochs)
    for epoch in range(1, hp.epochs + 1):
        net.train()
        running = 0.0
        for idx in torch.randperm(len(x)).split(hp.batch):
            loss = F.cross_entropy(net(x[idx]).flatten(0, 1), y[idx].flatten())
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            running += loss.item() * len(idx)
        sched.step()
        net.eval()
        with torch.no_grad():
            logits = net(vx)
        vloss = F.cross_entropy(logits.flatten(0, 1), vy.flatten()).item()
        guess = logits.argmax(-1)
        closes = vy > 0
        acc = (guess == vy)[closes].float().mean().item()
        print(f"{epoch:02d} | train {running / len(x):.4f} | val {vloss:.4f} | accuracy on closes {acc:.4f}")


if __name__ == "__main__":
    run(Hyper())
