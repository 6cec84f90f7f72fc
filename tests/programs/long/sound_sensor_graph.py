# expects: nothing
"""Leaks in a network of pipes: every reading is of the same 14 places, and batches are laid flat for the convolution."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

PLACES = 14
PIPES = torch.tensor(
    [[i, (i + 1) % PLACES] for i in range(PLACES)] + [[i, (i + 5) % PLACES] for i in range(0, PLACES, 2)]
)


class Readings(Dataset):
    def __init__(self, count, seed):
        draw = torch.Generator().manual_seed(seed)
        self.leaks = torch.randint(2, (count,), generator=draw)
        self.pressure = torch.randn(count, PLACES, 3, generator=draw)
        near = self.pressure[:, PIPES[:, 0], 0] - self.pressure[:, PIPES[:, 1], 0]
        self.leaks = (near.abs().mean(1) > near.abs().mean(1).median()).long()

    def __len__(self):
        return len(self.leaks)

    def __getitem__(self, index):
        return {"x": self.pressure[index], "pipes": PIPES, "y": self.leaks[index]}


def flat(examples):
    x = torch.cat([one["x"] for one in examples])
    pipes = torch.cat([one["pipes"] + PLACES * place for place, one in enumerate(examples)])
    of = torch.arange(len(examples)).repeat_interleave(PLACES)
    return x, pipes, of, torch.stack([one["y"] for one in examples])


class Convolution(nn.Module):
    def __init__(self, given, made):
        super().__init__()
        self.own, self.between = nn.Linear(given, made), nn.Linear(2 * given, made)

    def forward(self, x, pipes):
        there, here = pipes[:, 0], pipes[:, 1]
        sent = F.relu(self.between(torch.cat([x.index_select(0, there), x.index_select(0, here)], 1)))
        sums = sent.new_zeros(len(x), sent.shape[1]).scatter_add_(0, here[:, None].expand_as(sent), sent)
        return F.relu(self.own(x) + sums)


class Net(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.first, self.second = Convolution(3, width), Convolution(width, width)
        self.head = nn.Linear(width, 2)

    def forward(self, x, pipes, of):
        x = self.second(self.first(x, pipes), pipes)
        count = int(of[-1]) + 1
        pooled = x.new_zeros(count, x.shape[1]).scatter_add_(0, of[:, None].expand_as(x), x)
        return self.head(pooled / PLACES)


if __name__ == "__main__":
    torch.manual_seed(1)
    loader = DataLoader(Readings(1600, 1), batch_size=32, shuffle=True, collate_fn=flat)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(6):
        for x, pipes, of, y in loader:
            loss = F.cross_entropy(net(x, pipes, of), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
