# expects: LLM007
"""Clickstream model: will a shopping session end in a purchase?

A session is a list of page events. Customers buy when, after the last time they opened the cart, they looked at
shipping costs; and they leave when they look at the returns page afterwards.
"""

import argparse

import torch
from torch import nn

EVENTS = ["home", "search", "item", "review", "cart", "shipping", "returns", "help"]
CART, SHIP, RET = EVENTS.index("cart"), EVENTS.index("shipping"), EVENTS.index("returns")


def sessions(n, length, gen):
    ev = torch.randint(0, len(EVENTS), (n, length), generator=gen)
    t = torch.arange(length)

    def last(e):
        return torch.where(ev == e, t, torch.tensor(-1)).max(1).values

    buy = (last(SHIP) > last(RET)) & (last(SHIP) > last(CART) - 4)
    return ev, buy.long()


class SessionEncoder(nn.Module):
    def __init__(self, n_events, length, dim, heads, layers):
        super().__init__()
        self.tok = nn.Embedding(n_events, dim)
        self.cls = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.out = nn.Linear(dim, 2)

    def forward(self, ev):
        h = self.tok(ev)
        h = torch.cat([self.cls.expand(len(h), -1, -1), h], 1)
        return self.out(self.body(h)[:, 0])


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        acc = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return acc


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=400)
    ap.add_argument("--batch-size", type=int, default=64)
    ap.add_argument("--length", type=int, default=14)
    ap.add_argument("--dim", type=int, default=32)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=3)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    x, y = sessions(12000, args.length, gen)
    vx, vy = sessions(2000, args.length, gen)
    print(f"share of buyers {y.float().mean():.3f}")

    model = SessionEncoder(len(EVENTS), args.length, args.dim, heads=4, layers=2)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 50))
    ema = None
    for step in range(1, args.steps + 1):
        idx = torch.randint(0, len(x), (args.batch_size,), generator=gen)
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        warm.step()
        ema = loss.item() if ema is None else 0.98 * ema + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step}: loss {ema:.3f}  val acc {accuracy(model, vx, vy):.3f}")


if __name__ == "__main__":
    main()
