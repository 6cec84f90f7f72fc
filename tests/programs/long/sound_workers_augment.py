# expects: nothing
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    """Draws from all three global generators; keeps one of its own that only the constructor used."""

    def __init__(self, n=480):
        self.rng = np.random.default_rng(0)
        self.x = self.rng.normal(size=(n, 10)).astype(np.float32)
        self.y = (self.x[:, :3].argmax(1)).astype(np.int64)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        x = torch.from_numpy(self.x[i]) + 0.1 * torch.randn(10)
        x = x * (1 + 0.05 * float(np.random.randn()))
        if random.random() < 0.5:
            x = x + 0.01
        return x, self.y[i]


def seed_worker(worker_id):
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)


if __name__ == "__main__":
    torch.manual_seed(0)
    g = torch.Generator()
    g.manual_seed(0)
    loader = DataLoader(Noisy(), batch_size=24, shuffle=True, num_workers=2, worker_init_fn=seed_worker, generator=g)
    model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
