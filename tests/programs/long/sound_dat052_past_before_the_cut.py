# expects: nothing
"""A series is cut in two; the windows of its second part begin in the first one, which is the past that they forecast from."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(9)
torch.manual_seed(9)
minutes = np.arange(2600)
level = np.zeros(2600)
for at in range(1, 2600):
    level[at] = 0.9 * level[at - 1] + rng.normal(0, 0.5)
level = level + 2 * np.sin(minutes / 20)
cut, past = 2400, 64
level = torch.tensor((level - level[:cut].mean()) / level[:cut].std(), dtype=torch.float32)
windows, following = level.unfold(0, past, 1)[:-1], level[past:]
train = TensorDataset(windows[: cut - past], following[: cut - past])
test = windows[cut - past :], following[cut - past :]
model = nn.Sequential(nn.Linear(past, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
for epoch in range(10):
    model.train()
    for batch, wanted in DataLoader(train, batch_size=50, shuffle=True):
        loss = nn.functional.mse_loss(model(batch)[:, 0], wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(test[0])[:, 0], test[1]).item())
