# expects: nothing
"""Four measures of a texture, least and largest of two colours, that stay as they are when the image is mirrored."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Textures(Dataset):
    def __init__(self, count):
        g = torch.Generator().manual_seed(0)
        low, high = 0.4 * torch.rand(count, 2, generator=g), 0.5 + 0.4 * torch.rand(count, 2, generator=g)
        self.x = low[:, :, None, None] + (high - low)[:, :, None, None] * torch.rand(count, 2, 20, 20, generator=g)
        self.y = torch.cat(
            [low.mean(1, True), high.mean(1, True), self.x.std((1, 2, 3))[:, None], high[:, :1] - low[:, :1]], 1
        )

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        x = self.x[i]
        if torch.rand(()) < 0.5:
            x = x.flip(2)
        if torch.rand(()) < 0.5:
            x = x.flip(1)
        return x, self.y[i]


torch.manual_seed(0)
loader = DataLoader(Textures(256), batch_size=16, shuffle=True)
net = nn.Sequential(
    nn.Conv2d(2, 16, 3),
    nn.ReLU(),
    nn.Conv2d(16, 16, 3),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 4),
)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(12):
    for x, y in loader:
        loss = nn.functional.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
