# bug: attention scores without 1/sqrt(d) on top of a large init, so that the softmax saturates
# expects: NUM007
import math

import torch
import torch.nn as nn


class Config:
    vocab = 16
    seq = 10
    d = 64
    heads = 2
    lr = 4e-3
    steps = 400


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.h = cfg.heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(cfg.d, cfg.d, bias=False) for _ in range(4))
        for w in (self.wq, self.wk):
            nn.init.normal_(w.weight, std=0.5)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (w(x).view(b, t, self.h, d // self.h).transpose(1, 2) for w in (self.wq, self.wk, self.wv))
        scores = q @ k.transpose(-1, -2)
        return self.wo((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))


class Counter(nn.Module):
    """For each position: how often does its symbol occur in the sequence?"""

    def __init__(self, cfg):
        super().__init__()
        self.emb = nn.Embedding(cfg.vocab, cfg.d)
        self.n1, self.n2, self.n3 = nn.LayerNorm(cfg.d), nn.LayerNorm(cfg.d), nn.LayerNorm(cfg.d)
        self.att = Attention(cfg)
        self.mlp = nn.Sequential(nn.Linear(cfg.d, 2 * cfg.d), nn.GELU(), nn.Linear(2 * cfg.d, cfg.d))
        self.out = nn.Linear(cfg.d, 4)
        self.begin = nn.Parameter(torch.randn(1, 1, cfg.d))

    def forward(self, ids):
        x = torch.cat([self.begin.expand(len(ids), 1, -1), self.emb(ids)], 1)
        x = x + self.att(self.n1(x))
        x = x + self.mlp(self.n2(x))
        return self.out(self.n3(x))[:, 1:]


def sample(n, cfg, gen):
    ids = torch.randint(0, cfg.vocab // 2, (n, cfg.seq), generator=gen) + torch.randint(0, 2, (n, 1), generator=gen) * cfg.vocab // 2
    counts = (ids[:, :, None] == ids[:, None, :]).sum(-1)
    return ids, counts.clamp(max=4) - 1


def main():
    cfg = Config()
    torch.manual_seed(33)
    gen = torch.Generator().manual_seed(33)
    model = Counter(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.01)
    lr = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / 30, 1 - 0.95 * s / cfg.steps))
    for step in range(cfg.steps):
        ids, y = sample(32, cfg, gen)
        loss = nn.functional.cross_entropy(model(ids).transpose(1, 2), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        lr.step()
        if (step + 1) % 80 == 0:
            model.eval()
            with torch.no_grad():
                ids, y = sample(300, cfg, torch.Generator().manual_seed(1))
                acc = (model(ids).argmax(-1) == y).float().mean()
            model.train()
            print(f"step {step + 1}: loss {loss.item():.4f} held-out accuracy {acc.item():.4f}")


main()
