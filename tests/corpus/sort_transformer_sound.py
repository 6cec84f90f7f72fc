# sound: the same program without that
"""Tiny transformer encoder that learns to sort short lists of digits."""
import math
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

CFG = dict(
    vocab=10, length=8, d_model=64, heads=4, layers=2,
    batch_size=64, total_steps=700, peak_lr=2e-3,
    warmup_steps=50,
    seed=5,
)


class Sorter(nn.Module):
    def __init__(self, vocab, length, d_model, heads, layers, **_):
        super().__init__()
        self.tok = nn.Embedding(vocab, d_model)
        self.pos = nn.Parameter(0.02 * torch.randn(length, d_model))
        block = nn.TransformerEncoderLayer(d_model, heads, 2 * d_model, dropout=0.0, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d_model)
        self.out = nn.Linear(d_model, vocab)

    def forward(self, x):
        return self.out(self.norm(self.enc(self.tok(x) + self.pos)))


def lr_factor(step):
    w, total = CFG["warmup_steps"], CFG["total_steps"]
    if step < w:
        return (step + 1) / w
    progress = (step - w) / max(1, total - w)
    return 0.5 * (1 + math.cos(math.pi * progress))


def sample(n, gen):
    x = torch.randint(0, CFG["vocab"], (n, CFG["length"]), generator=gen)
    return x, x.sort(dim=1).values


def main():
    torch.manual_seed(CFG["seed"])
    gen = torch.Generator().manual_seed(CFG["seed"])
    model = Sorter(**CFG)
    optimizer = torch.optim.AdamW(model.parameters(), lr=CFG["peak_lr"], weight_decay=0.01)
    scheduler = LambdaLR(optimizer, lr_factor)
    xv, yv = sample(500, torch.Generator().manual_seed(999))
    criterion = nn.CrossEntropyLoss()

    for step in range(1, CFG["total_steps"] + 1):
        x, y = sample(CFG["batch_size"], gen)
        loss = criterion(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 100 == 0:
            model.eval()
            with torch.no_grad():
                logits = model(xv)
                vloss = criterion(logits.flatten(0, 1), yv.flatten())
                tok = (logits.argmax(-1) == yv).float().mean()
            model.train()
            print(f"step {step:4d}  train {loss.item():.3f}  val {vloss.item():.3f}  digits right {tok.item():.3f}")


main()
