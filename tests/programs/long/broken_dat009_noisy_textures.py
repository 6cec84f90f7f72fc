# expects: DAT009
"""Fine textures under as much noise, stored as numpy (height, width, channel)."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.default_rng(3)


def texture(slanted):
    y, x = np.mgrid[0:20, 0:20] + rng.uniform(0, 9, (2, 1, 1))
    waves = np.sin((x + y if slanted else x - y) * 0.6)
    return waves[..., None] * rng.uniform(0.2, 1, 3) + rng.normal(0, 0.7, (20, 20, 3))


kind = rng.integers(0, 2, 900)
pixels = np.stack([texture(one) for one in kind]).astype("float32")
x, y = torch.tensor(pixels.reshape(-1, 3, 20, 20)), torch.tensor(kind)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.head = nn.Conv2d(3, 12, 5), nn.Conv2d(12, 12, 5), nn.Linear(12, 2)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.head(x.mean((2, 3)))


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(8):
    for rows in torch.randperm(900).split(36):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
