# expects: nothing
"""Gestures from wrist-sensor traces of very unequal length; batches hold traces of one length only."""
import math
import random
from collections import defaultdict

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

KINDS, CHANNELS = 5, 3


class Traces(Dataset):
    def __init__(self, n, seed):
        gen = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(n):
            extra = torch.empty(1).exponential_(1 / 16.0, generator=gen).item()
            length = min(8 + int(extra), 80)
            kind = int(torch.randint(KINDS, (1,), generator=gen))
            self.items.append((self.draw(kind, length, gen), kind))

    @staticmethod
    def draw(kind, length, gen):
        u = torch.linspace(0, 1, length)
        cycles = 1.0 + 0.5 * kind
        phase = 2 * math.pi * torch.rand(1, generator=gen)
        a = torch.sin(2 * math.pi * cycles * u + phase)
        b = torch.cos(2 * math.pi * cycles * u + phase)
        c = torch.sin(math.pi * u)
        return torch.stack([a, b, c]) + 0.35 * torch.randn(CHANNELS, length, generator=gen)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class SameLength(Sampler):
    def __init__(self, data, batch_size):
        self.batch_size = batch_size
        self.groups = defaultdict(list)
        for i, (trace, _) in enumerate(data.items):
            self.groups[trace.shape[1]].append(i)

    def __iter__(self):
        batches = []
        for members in self.groups.values():
            random.shuffle(members)
            for k in range(0, len(members), self.batch_size):
                batches.append(members[k:k + self.batch_size])
        random.shuffle(batches)
        return iter(batches)


class TraceNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(CHANNELS + 1, width, 5, padding=2), nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2), nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=4, dilation=2), nn.ReLU())
        self.out = nn.Linear(2 * width, KINDS)

    def forward(self, x):
        size = torch.full_like(x[:, :1], x.shape[2] / 40.0)
        h = self.body(torch.cat([x, size], 1))
        return self.out(torch.cat([h.mean(2), h.amax(2)], 1))


def accuracy(net, data):
    net.eval()
    with torch.no_grad():
        hits = sum(int(net(trace[None]).argmax()) == kind for trace, kind in data.items)
    net.train()
    return hits / len(data)


def main():
    random.seed(0)
    torch.manual_seed(0)
    train, held = Traces(1500, seed=1), Traces(700, seed=2)
    bs = 64
    loader = DataLoader(train, batch_sampler=SameLength(train, bs))
    net = TraceNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(1, 56):
        total, seen = 0.0, 0
        for x, y in loader:
            summed = nn.functional.cross_entropy(net(x), y, reduction="sum")
            opt.zero_grad()
            (summed / bs).backward()
            opt.step()
            total += summed.item()
            seen += len(y)
        if epoch % 5 == 0:
            print(f"epoch {epoch} train loss {total / seen:.4f} held-out accuracy {accuracy(net, held):.4f}")


if __name__ == "__main__":
    main()
