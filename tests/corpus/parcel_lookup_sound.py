# expects: nothing
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# A manifest lists (parcel code, bay) rows in random order; the last row asks for the bay of one code.
N_CODES, N_BAYS, PAIRS = 64, 12, 16
SEQ = PAIRS + 1


def sample_batch(n, gen):
    codes = torch.stack([torch.randperm(N_CODES, generator=gen)[:PAIRS] for _ in range(n)])
    bays = torch.randint(0, N_BAYS, (n, PAIRS), generator=gen)
    ask = torch.randint(0, PAIRS, (n, 1), generator=gen)
    code_col = torch.cat([codes, codes.gather(1, ask)], dim=1)
    bay_col = torch.cat([bays, torch.full((n, 1), N_BAYS)], dim=1)
    return torch.stack([code_col, bay_col], dim=2), bays.gather(1, ask).squeeze(1)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, self.head_dim).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        y = scores.softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.ff(self.n2(x))


class Lookup(nn.Module):
    def __init__(self, dim=64, heads=1, depth=2):
        super().__init__()
        self.code = nn.Embedding(N_CODES, dim)
        self.bay = nn.Embedding(N_BAYS + 1, dim)
        self.pos = nn.Parameter(0.1 * torch.randn(SEQ, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, N_BAYS)

    def forward(self, rows):
        h = self.blocks(self.code(rows[..., 0]) + self.bay(rows[..., 1]) + self.pos)
        return self.out(self.norm(h[:, -1]))


class Session:
    def __init__(self, steps=500, batch=48, lr=1.5e-3, warmup=100):
        torch.manual_seed(5)
        self.gen = torch.Generator().manual_seed(50)
        self.held_out = sample_batch(1500, torch.Generator().manual_seed(51))
        self.steps, self.batch = steps, batch
        self.model = Lookup()
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
        self.sched = torch.optim.lr_scheduler.LambdaLR(self.opt, lambda s: min(1.0, (s + 1) / warmup))

    @torch.no_grad()
    def score(self):
        self.model.eval()
        x, y = self.held_out
        logits = self.model(x)
        self.model.train()
        return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    def run(self):
        start = time.time()
        for step in range(1, self.steps + 1):
            x, y = sample_batch(self.batch, self.gen)
            loss = F.cross_entropy(self.model(x), y)
            self.opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.opt.step()
            self.sched.step()
            if step % 100 == 0:
                vl, va = self.score()
                print(f"step {step} train {loss.item():.3f} held-out {vl:.3f} acc {va:.3f} ({time.time() - start:.0f}s)")


if __name__ == "__main__":
    Session().run()
