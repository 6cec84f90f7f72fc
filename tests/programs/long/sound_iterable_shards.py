# expects: nothing
"""Workers shuffle with one shared seed, so that each takes its own part of the same order."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class Shards(IterableDataset):
    def __init__(self, n=600, seed=3):
        self.seed_source = np.random.default_rng(seed)
        g = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 8, generator=g)
        self.y = (self.x[:, 0] > self.x[:, 1]).long()

    def __iter__(self):
        info = get_worker_info()
        order = self.seed_source.permutation(len(self.x))
        if info is not None:
            order = order[info.id :: info.num_workers]
        for i in order:
            yield self.x[i], self.y[i]


def main():
    torch.manual_seed(0)
    loader = DataLoader(Shards(), batch_size=25, num_workers=2, persistent_workers=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(8):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(loss.item())


if __name__ == "__main__":
    main()
