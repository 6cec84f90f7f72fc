# expects: nothing
"""Fair price of a used machine, judged from a list of recent offers on the same market place.

An offer is (category, log price). The request names a category; the model reads the whole list and
returns an estimate for it. Every market place has its own price level and its own level per category.
"""
from dataclasses import dataclass

import torch
from torch import nn, Tensor


@dataclass(frozen=True)
class Config:
    n_categories: int = 4
    n_offers: int = 28
    d_model: int = 64
    n_heads: int = 2
    n_layers: int = 2
    d_ff: int = 96
    batch: int = 64
    epochs: int = 14
    lr: float = 1e-3
    n_train: int = 4096
    n_val: int = 1024
    seed: int = 21


def simulate(n: int, cfg: Config, gen: torch.Generator):
    base = torch.linspace(-0.6, 0.6, cfg.n_categories)
    level = 0.5 * torch.randn(n, 1, generator=gen)
    per_cat = base + level + 0.7 * torch.randn(n, cfg.n_categories, generator=gen)
    cat = torch.randint(cfg.n_categories, (n, cfg.n_offers), generator=gen)
    price = per_cat.gather(1, cat) + 0.8 * torch.randn(n, cfg.n_offers, generator=gen)
    asked = torch.randint(cfg.n_categories, (n, 1), generator=gen)
    return cat, price, asked.squeeze(1), per_cat.gather(1, asked).squeeze(1)


class SelfAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int):
        super().__init__()
        self.h, self.d = n_heads, d_model // n_heads
        self.scale = self.d ** -0.5
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.proj = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.h, self.d).permute(2, 0, 3, 1, 4)
        att = ((q * self.scale) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((att @ v).transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self, cfg: Config):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(cfg.d_model), nn.LayerNorm(cfg.d_model)
        self.attn = SelfAttention(cfg.d_model, cfg.n_heads)
        self.mlp = nn.Sequential(nn.Linear(cfg.d_model, cfg.d_ff), nn.GELU(), nn.Linear(cfg.d_ff, cfg.d_model))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PriceModel(nn.Module):
    def __init__(self, cfg: Config):
        super().__init__()
        self.cat = nn.Embedding(cfg.n_categories, cfg.d_model)
        self.price = nn.Linear(1, cfg.d_model)
        self.request = nn.Parameter(torch.randn(cfg.d_model) * 0.5)
        self.blocks = nn.Sequential(*[Block(cfg) for _ in range(cfg.n_layers)])
        self.norm = nn.LayerNorm(cfg.d_model)
        self.out = nn.Linear(cfg.d_model, 1)

    def forward(self, cat: Tensor, price: Tensor, asked: Tensor) -> Tensor:
        offers = self.cat(cat) + self.price(price.unsqueeze(-1))
        request = (self.cat(asked) + self.request).unsqueeze(1)
        x = self.blocks(torch.cat([request, offers], dim=1))
        return self.out(self.norm(x[:, 0])).squeeze(-1)


def rmse(model: nn.Module, data) -> float:
    model.eval()
    with torch.no_grad():
        pred = torch.cat([model(*(d[i:i + 256] for d in data[:3])) for i in range(0, len(data[3]), 256)])
    return (pred - data[3]).pow(2).mean().sqrt().item()


def main(cfg: Config = Config()) -> None:
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed)
    train, val = simulate(cfg.n_train, cfg, gen), simulate(cfg.n_val, cfg, gen)
    model = PriceModel(cfg)
    steps = cfg.epochs * (cfg.n_train // cfg.batch)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=cfg.lr, total_steps=steps, pct_start=0.15)
    print(f"{sum(p.numel() for p in model.parameters())} parameters; "
          f"always saying the mean would give rmse {(val[3] - train[3].mean()).pow(2).mean().sqrt():.3f}")
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(cfg.n_train).split(cfg.batch):
            cat, price, asked, target = (d[idx] for d in train)
            loss = nn.functional.mse_loss(model(cat, price, asked), target)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch + 1:2d}: train mse {total / cfg.n_train:.4f}, val rmse {rmse(model, val):.4f}")


if __name__ == "__main__":
    main()
