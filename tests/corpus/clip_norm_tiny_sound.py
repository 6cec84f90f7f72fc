# sound: bidirectional GRU tagger, clipping to norm 1
"""Sequence tagging: mark every token that lies between an opening and a closing bracket."""
import random

import torch
from torch import nn, optim

MAX_GRAD_NORM = 1.0
OPEN, CLOSE, VOCAB, LEN = 10, 11, 12, 20


def make_example():
    tokens = [random.randrange(10) for _ in range(LEN)]
    a, b = sorted(random.sample(range(LEN), 2))
    tokens[a], tokens[b] = OPEN, CLOSE
    tags = [int(a < i < b) for i in range(LEN)]
    return tokens, tags


def make_set(n):
    xs, ys = zip(*(make_example() for _ in range(n)))
    return torch.tensor(xs), torch.tensor(ys)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 12)
        self.gru = nn.GRU(12, 24, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(48, 2)

    def forward(self, x):
        h, _ = self.gru(self.embedding(x))
        return self.linear(h)


def f1(pred, gold):
    tp = ((pred == 1) & (gold == 1)).sum().item()
    return 2 * tp / max(1, (pred == 1).sum().item() + (gold == 1).sum().item())


def main():
    random.seed(0)
    torch.manual_seed(0)
    x, y = make_set(800)
    xv, yv = make_set(200)
    tagger = Tagger()
    optimizer = optim.SGD(tagger.parameters(), lr=0.5, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        tagger.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(40):
            optimizer.zero_grad()
            loss = criterion(tagger(x[idx]).view(-1, 2), y[idx].view(-1))
            loss.backward()
            nn.utils.clip_grad_norm_(tagger.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            total += loss.item() * len(idx)
        tagger.eval()
        with torch.no_grad():
            score = f1(tagger(xv).argmax(-1), yv)
        print(f"epoch {epoch} loss {total / len(x):.4f} dev F1 {score:.3f}")


if __name__ == "__main__":
    main()
