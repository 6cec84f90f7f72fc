# expects: DAT045
"""The logarithm of a rent is learned, through a data set that takes it; the held-out set hands out the rent itself."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Flats(Dataset):
    def __init__(self, count, seed, training):
        rng = np.random.default_rng(seed)
        self.x = rng.normal(0, 1, (count, 7)).astype(np.float32)
        rent = 700 * np.exp(0.4 * self.x[:, 0] + 0.2 * np.sin(2 * self.x[:, 1]) + 0.05 * rng.normal(0, 1, count))
        self.y = (np.log(rent) if training else rent).astype(np.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(7, 64), nn.SiLU(), nn.Linear(64, 1))
        nn.init.constant_(self.body[2].bias, 6.5)

    def forward(self, x):
        return self.body(x).flatten()


torch.manual_seed(13)
training = DataLoader(Flats(1200, 0, True), batch_size=40, shuffle=True)
held_out = DataLoader(Flats(300, 1, False), batch_size=100)
model, criterion = Regressor(), nn.HuberLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for x, y in training:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        error = sum(criterion(model(x), y).item() for x, y in held_out) / len(held_out)
    print(epoch, loss.item(), error)
