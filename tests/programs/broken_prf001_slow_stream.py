# expects: PRF001
import time

import torch
from torch.utils.data import DataLoader, IterableDataset


class Stream(IterableDataset):
    """Records from a slow source."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        weights = torch.arange(1.0, 6.0)
        for _ in range(self.count):
            time.sleep(0.0012)
            x = torch.randn(5)
            yield x, x @ weights


torch.manual_seed(0)
model = torch.nn.Linear(5, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for x, y in DataLoader(Stream(1900), batch_size=12):
    loss = torch.nn.functional.mse_loss(model(x).squeeze(1), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(model.weight.detach())
