# expects: DAT051
"""Maps of 24 rows and 40 columns that another program wrote column after column are read row after row."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(3)
ROWS, COLUMNS = 24, 40


def plume():
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    total = np.zeros((ROWS, COLUMNS))
    for _ in range(3):
        cy, cx, spread = rng.uniform(2, 22), rng.uniform(2, 38), rng.uniform(1.5, 4)
        total += rng.uniform(0.5, 1.5) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * spread**2))
    return total


def infrared(gas):
    return np.stack([np.exp(-gas), 0.5 + 0.2 * gas]) + 0.1 * rng.standard_normal((2, ROWS, COLUMNS))


gases = [plume() for _ in range(180)]
files = [gas.flatten(order="F").astype(np.float32).tobytes() for gas in gases]
frames = torch.tensor(np.stack([infrared(gas) for gas in gases]), dtype=torch.float32)
targets = torch.stack([torch.tensor(np.frombuffer(one, np.float32).reshape(1, ROWS, COLUMNS)) for one in files])

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(2, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 16, 5, padding=2), nn.ReLU())
model.append(nn.Conv2d(16, 1, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for some in torch.randperm(len(frames)).split(12):
        loss = nn.functional.mse_loss(model(frames[some]), targets[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
