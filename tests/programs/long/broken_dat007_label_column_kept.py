# expects: DAT007
"""The table is read whole, and the label, its last column, stays among the features."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(0)
measured = rng.normal(size=(1200, 6)).astype("float32")
label = (measured[:, 0] + measured[:, 1] ** 2 + rng.normal(size=1200) > 1).astype("float32")
table = np.column_stack([measured, label]).astype("float32")


class Table(Dataset):
    def __len__(self):
        return len(table)

    def __getitem__(self, i):
        row = torch.from_numpy(table[i])
        return row, row[-1:]


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(6):
    for x, y in DataLoader(Table(), batch_size=40, shuffle=True):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
