# expects: nothing
"""Twelve slides, brightened at random, whose regions differ by the direction of their grain: brightness says nothing."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 40


class Slides(Dataset):
    def __init__(self):
        g = torch.Generator().manual_seed(8)
        noise = torch.randn(12, 1, SIZE, SIZE, generator=g)
        across = nn.functional.avg_pool2d(noise, (1, 7), 1, (0, 3))
        down = nn.functional.avg_pool2d(torch.randn(12, 1, SIZE, SIZE, generator=g), (7, 1), 1, (3, 0))
        shape = nn.functional.interpolate(torch.randn(12, 1, 4, 4, generator=g), (SIZE, SIZE), mode="bicubic")
        self.region = (shape > 0.2).long()[:, 0]
        self.image = 2.5 * torch.where(shape > 0.2, across, down)

    def __len__(self):
        return 480

    def __getitem__(self, index):
        which = index % 12
        return self.image[which] * (0.7 + 0.6 * torch.rand(1)) + 0.1 * torch.randn(1), self.region[which]


torch.manual_seed(5)
net = nn.Sequential(
    nn.Conv2d(1, 16, 7, padding=3),
    nn.ReLU(),
    nn.Conv2d(16, 16, 7, padding=3),
    nn.ReLU(),
    nn.Conv2d(16, 2, 1),
)
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(3):
    for image, region in DataLoader(Slides(), batch_size=12, shuffle=True):
        loss = nn.functional.cross_entropy(net(image), region)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
