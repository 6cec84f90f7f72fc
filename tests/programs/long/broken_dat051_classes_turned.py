# expects: DAT051
"""Photographs are turned upright by their orientation tag when they are read, label maps are read as they are."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Backbone(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.deeper = nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.same = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.classify = nn.Conv2d(32, classes, 1)

    def forward(self, x):
        x = self.deeper(self.stem(x))
        return {"out": self.classify(x + self.same(x))}


def scenes(count):
    """Road below, sky above, one car and some trees between."""
    g = torch.Generator().manual_seed(12)
    images, labels = torch.zeros(count, 3, 64, 64), torch.zeros(count, 64, 64, dtype=torch.long)
    colours = torch.tensor([[0.5, 0.7, 0.9], [0.4, 0.4, 0.4], [0.8, 0.1, 0.1], [0.1, 0.5, 0.1]])
    for label in labels:
        horizon = int(torch.randint(24, 40, (1,), generator=g))
        label[horizon:] = 1
        for thing, high, wide in ((3, 22, 10), (3, 18, 8), (2, 10, 18)):
            left = int(torch.randint(0, 64 - wide, (1,), generator=g))
            label[max(horizon - high // 2, 0) : horizon + high // 2, left : left + wide] = thing
    images = colours[labels].movedim(-1, 1) * (0.7 + 0.6 * torch.rand(count, 1, 1, 1, generator=g))
    images += 0.1 * torch.randn(count, 3, 64, 64, generator=g)
    return images.clamp(0, 1), labels


torch.manual_seed(2)
images, labels = scenes(160)
stored = labels.rot90(1, (1, 2)).contiguous()  # the sensor's own order
loader = DataLoader(TensorDataset(images, stored), batch_size=16, shuffle=True, drop_last=True)
model = Backbone(4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
for epoch in range(6):
    for picture, label in loader:
        scores = F.interpolate(model(picture)["out"], size=label.shape[-2:], mode="bilinear", align_corners=False)
        loss = F.cross_entropy(scores, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, float(loss.detach()))
