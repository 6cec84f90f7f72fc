# expects: TRN016
"""A network for readings of machines; the share of right answers is counted along the way, of the batches just learned."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Readings(Dataset):
    def __init__(self, count, rng):
        self.values = rng.normal(size=(count, 12)).astype(np.float32)
        risk = self.values[:, 0] * self.values[:, 3] + self.values[:, 5] + rng.normal(0, 0.6, count)
        self.failed = (risk > 0.2).astype(np.float32)

    def __len__(self):
        return len(self.failed)

    def __getitem__(self, index):
        return self.values[index], self.failed[index]


class Trainer:
    def __init__(self, model, rate):
        self.model, self.criterion = model, nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)

    def step(self, values, failed):
        logits = self.model(values).squeeze(1)
        loss = self.criterion(logits, failed)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item(), ((logits > 0).float() == failed).sum().item()

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            lost = right = seen = 0
            for values, failed in loader:
                loss, hits = self.step(values, failed)
                lost, right, seen = lost + loss * len(failed), right + hits, seen + len(failed)
            print(f"epoch {epoch:2d} loss {lost / seen:.4f} accuracy {right / seen:.4f}")


torch.manual_seed(4)
network = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
Trainer(network, 2e-3).fit(DataLoader(Readings(800, np.random.default_rng(4)), batch_size=32, shuffle=True), 14)
