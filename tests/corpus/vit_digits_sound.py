# expects: nothing
import argparse
import math

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset, random_split


class TinyViT(nn.Module):
    def __init__(self, patch=2, dim=48, depth=3, heads=4, n_classes=10):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, patch, stride=patch)
        n_tok = (8 // patch) ** 2
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, n_tok + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.1, activation="gelu",
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, n_classes)

    def forward(self, img):
        tok = self.embed(img).flatten(2).transpose(1, 2)
        tok = torch.cat([self.cls.expand(len(tok), -1, -1), tok], dim=1) + self.pos
        return self.head(self.norm(self.encoder(tok)[:, 0]))


def cosine_with_warmup(optimizer, warmup_steps, total_steps):
    def factor(step):
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return LambdaLR(optimizer, factor)


def parse():
    p = argparse.ArgumentParser(description="ViT on the 8x8 digits")
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--weight-decay", type=float, default=0.05)
    p.add_argument("--warmup-steps", type=int, default=60)
    p.add_argument("--seed", type=int, default=42)
    return p.parse_args()


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    good = n = 0
    for x, y in loader:
        good += (model(x).argmax(-1) == y).sum().item()
        n += len(y)
    return good / n


def main():
    args = parse()
    torch.manual_seed(args.seed)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 8.0 - 1.0
    y = torch.tensor(d.target)
    train_set, test_set = random_split(TensorDataset(x, y), [1400, 397])
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=256)

    model = TinyViT()
    decay = [p for p in model.parameters() if p.ndim > 1]
    no_decay = [p for p in model.parameters() if p.ndim <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": args.weight_decay},
                             {"params": no_decay, "weight_decay": 0.0}], lr=args.lr)
    sched = cosine_with_warmup(opt, args.warmup_steps, args.epochs * len(train_loader))
    crit = nn.CrossEntropyLoss(label_smoothing=0.05)

    for epoch in range(1, args.epochs + 1):
        model.train()
        seen = 0.0
        for xb, yb in train_loader:
            loss = crit(model(xb), yb)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            seen += loss.item()
        print(f"epoch {epoch:2d} | loss {seen / len(train_loader):.4f} | test acc {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
