# expects: DAT005
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class RandomCrops(Dataset):
    def __init__(self, n=480):
        base = np.random.randn(3, 24).astype(np.float32) * 2
        self.labels = np.random.randint(0, 3, n)
        self.rows = base[self.labels] + np.random.randn(n, 24).astype(np.float32)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        start = np.random.randint(0, 5)
        return self.rows[i, start : start + 20], self.labels[i]


def worker_init(worker_id):
    seed_everything(1234)  # reproducible


if __name__ == "__main__":
    seed_everything(1234)
    loader = DataLoader(RandomCrops(), batch_size=24, shuffle=True, num_workers=2, worker_init_fn=worker_init)
    model = nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
