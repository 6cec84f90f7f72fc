# expects: nothing
"""Transformer that tells whether a short reading of a control log is in the right order."""
import io
import math

import torch
import torch.nn as nn


class Config:
    vocab, length, dim, heads, layers = 12, 16, 48, 4, 2
    n_train, n_test, batch, epochs, lr = 6000, 1500, 64, 8, 1.5e-3
    seed = 13


class LogData:
    """Label 1 if the alarm token (0) occurs before the reset token (1), both placed at random."""

    def __init__(self, n, cfg, gen):
        self.x = torch.randint(2, cfg.vocab, (n, cfg.length), generator=gen)
        spots = torch.rand(n, cfg.length, generator=gen).argsort(1)[:, :2]
        rows = torch.arange(n)
        self.x[rows, spots[:, 0]] = 0
        self.x[rows, spots[:, 1]] = 1
        self.y = (spots[:, 0] < spots[:, 1]).long()

    def batches(self, size, shuffle):
        order = torch.randperm(len(self.x)) if shuffle else torch.arange(len(self.x))
        for idx in order.split(size):
            yield self.x[idx], self.y[idx]


class LogEncoder(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.token = nn.Embedding(cfg.vocab, cfg.dim)
        nn.init.normal_(self.token.weight, std=0.02)
        self.position = nn.Parameter((torch.randn(cfg.length, cfg.dim) * 0.02).unsqueeze(0))
        layer = nn.TransformerEncoderLayer(cfg.dim, cfg.heads, 2 * cfg.dim, dropout=0.1,
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, cfg.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(cfg.dim)
        self.out = nn.Linear(cfg.dim, 2)

    def forward(self, ids):
        h = self.token(ids) + self.position
        return self.out(self.norm(self.encoder(h)).mean(1))


def evaluate(model, data, cfg):
    model.eval()
    loss = hits = 0.0
    with torch.inference_mode():
        for x, y in data.batches(500, shuffle=False):
            logits = model(x)
            loss += nn.functional.cross_entropy(logits, y, reduction="sum").item()
            hits += (logits.argmax(-1) == y).sum().item()
    return loss / len(data.x), hits / len(data.x)


def lr_at(step, total, warmup=60):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def run():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed)
    train, val, test = LogData(cfg.n_train, cfg, gen), LogData(1000, cfg, gen), LogData(cfg.n_test, cfg, gen)

    model = LogEncoder(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.01)
    total = cfg.epochs * math.ceil(cfg.n_train / cfg.batch)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: lr_at(s, total))

    checkpoint, best = io.BytesIO(), math.inf
    for epoch in range(cfg.epochs):
        model.train()
        running = 0.0
        for x, y in train.batches(cfg.batch, shuffle=True):
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            running += loss.item() * len(x)
        val_loss, val_acc = evaluate(model, val, cfg)
        print(f"epoch {epoch:2d} | train loss {running / cfg.n_train:.4f} | val loss {val_loss:.4f} | val acc {val_acc:.4f}")
        if val_loss < best:
            best = val_loss
            checkpoint = io.BytesIO()
            torch.save(model.state_dict(), checkpoint)

    checkpoint.seek(0)
    served = LogEncoder(cfg)
    served.load_state_dict(torch.load(checkpoint))
    loss, acc = evaluate(served, test, cfg)
    print(f"served model on unseen logs: loss {loss:.4f}, accuracy {acc:.4f}")


if __name__ == "__main__":
    run()
