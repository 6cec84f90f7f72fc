# expects: OPT019
"""Triage from coded visit histories: will the patient be admitted? Small pre-norm transformer with [CLS]."""
import argparse
import math

import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, CLS = 40, 20, 40


def histories(n, gen):
    codes = torch.randint(0, VOCAB, (n, LENGTH), generator=gen)
    risk = torch.randn(VOCAB, generator=gen) * 0.9
    recency = torch.linspace(0.3, 1.7, LENGTH)
    score = (risk[codes] * recency).sum(1)
    both = ((codes == 3).any(1) | (codes == 8).any(1)) & ((codes == 5).any(1) | (codes == 13).any(1))
    score = score - score.mean() + 3.0 * (both.float() - both.float().mean())
    admitted = torch.bernoulli(torch.sigmoid(1.2 * score), generator=gen)
    return codes, admitted


class HistoryModel(nn.Module):
    def __init__(self, d=32, heads=4, layers=2):
        super().__init__()
        self.code = nn.Embedding(VOCAB + 1, d)
        self.place = nn.Embedding(LENGTH + 1, d)
        nn.init.normal_(self.code.weight, std=0.3)
        nn.init.normal_(self.place.weight, std=0.3)
        enc = nn.TransformerEncoderLayer(d, heads, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(enc, layers, norm=nn.LayerNorm(d), enable_nested_tensor=False)
        self.out = nn.Linear(d, 1)

    def forward(self, codes):
        codes = torch.cat([codes.new_full((len(codes), 1), CLS), codes], 1)
        h = self.code(codes) + self.place.weight
        return self.out(self.body(h)[:, 0]).squeeze(1)


def warmup_cosine(optimizer, total, share=0.1):
    warm = max(1, int(share * total))

    def factor(step):
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


@torch.no_grad()
def auc(model, loader):
    model.eval()
    p, t = zip(*[(model(x), y) for x, y in loader])
    return roc_auc_score(torch.cat(t).numpy(), torch.cat(p).numpy())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    codes, y = histories(7000, torch.Generator().manual_seed(args.seed))
    train_loader = DataLoader(TensorDataset(codes[:6000], y[:6000]), args.batch, shuffle=True)
    val_loader = DataLoader(TensorDataset(codes[6000:], y[6000:]), 250)

    model = HistoryModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    total = args.epochs * len(train_loader.dataset)
    scheduler = warmup_cosine(optimizer, total)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for x, t in train_loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x), t)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            running += loss.item()
        print(f"epoch {epoch + 1}: loss {running / len(train_loader):.4f}  val AUC {auc(model, val_loader):.4f}")


if __name__ == "__main__":
    main()
