# expects: nothing
"""Spots which command word was spoken in a noisy feature stream (GRU + attention pooling).

usage: python spotter.py [--epochs 12] [--hidden 32]
"""
import argparse
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse_args():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--hidden", type=int, default=32)
    p.add_argument("--batch-size", type=int, default=50)
    p.add_argument("--lr", type=float, default=4e-3)
    p.add_argument("--clips", type=int, default=4000)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def make_clips(n, n_words=10, n_bands=12, frames=70, word_len=5):
    """Each clip is babble (pieces of the same sounds in any order) with one whole word somewhere in it."""
    g = torch.Generator().manual_seed(99)
    words = torch.randn(n_words, word_len, n_bands, generator=g)
    x = 1.1 * torch.randn(n, frames, n_bands, generator=g)
    y = torch.randint(n_words, (n,), generator=g)
    for i in range(n):
        for _ in range(4):                                  # babble
            k = torch.randint(n_words, (1,), generator=g).item()
            f = torch.randint(word_len, (1,), generator=g).item()
            at = torch.randint(frames, (1,), generator=g).item()
            x[i, at] += words[k, f]
        at = torch.randint(frames - word_len, (1,), generator=g).item()
        x[i, at:at + word_len] += words[y[i]]
    return x, y


class AttentionPool(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.proj = nn.Linear(dim, dim)
        self.score = nn.Linear(dim, 1, bias=False)

    def forward(self, h):                                   # h: (batch, frames, dim)
        e = self.score(torch.tanh(self.proj(h))).squeeze(-1)
        w = torch.softmax(e, dim=1)
        return (w.unsqueeze(-1) * h).sum(dim=1)


class Spotter(nn.Module):
    def __init__(self, n_bands, hidden, n_words):
        super().__init__()
        self.rnn = nn.GRU(n_bands, hidden, batch_first=True)
        self.pool = AttentionPool(hidden)
        self.cls = nn.Linear(hidden, n_words)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.cls(self.pool(h))


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    hits = total = 0
    for x, y in loader:
        hits += (model(x).argmax(1) == y).sum().item()
        total += len(y)
    return hits / total


def main():
    args = parse_args()
    torch.manual_seed(args.seed)
    x, y = make_clips(args.clips)
    n_test = args.clips // 5
    x_train, y_train, x_test, y_test = x[n_test:], y[n_test:], x[:n_test], y[:n_test]
    m, s = x_train.mean((0, 1)), x_train.std((0, 1))
    train = DataLoader(TensorDataset((x_train - m) / s, y_train), args.batch_size, shuffle=True)
    test = DataLoader(TensorDataset((x_test - m) / s, y_test), args.batch_size)

    model = Spotter(x.shape[2], args.hidden, int(y.max()) + 1)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, args.lr, epochs=args.epochs, steps_per_epoch=len(train))
    ce = nn.CrossEntropyLoss()
    t0 = time.time()
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for xb, yb in train:
            loss = ce(model(xb), yb)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        print(f"[{time.time() - t0:5.1f}s] epoch {epoch + 1:2d} loss {sum(losses) / len(losses):.3f} test acc {accuracy(model, test):.3f}")


if __name__ == "__main__":
    main()
