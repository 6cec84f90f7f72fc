# expects: nothing
"""A lensless camera: what falls on the sensor is upside down and blurred, and a dense network finds the scene again."""

import torch
from torch import nn

torch.manual_seed(0)
SIZE = 20


def scenes(count):
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    place = torch.randint(4, 16, (count, 2, 1, 1))
    wide = 1.5 + 2 * torch.rand(count, 1, 1)
    return (((rows - place[:, 0]) ** 2 + (columns - place[:, 1]) ** 2) < wide**2).float()[:, None]


def sensor(scene):
    blurred = nn.functional.avg_pool2d(scene, 3, stride=1, padding=1)
    return blurred.flip((2, 3)) + 0.05 * torch.randn_like(scene)


masks = scenes(1200)
images = sensor(masks)
model = nn.Sequential(
    nn.Flatten(), nn.Linear(SIZE * SIZE, 256), nn.ReLU(), nn.Linear(256, SIZE * SIZE), nn.Unflatten(1, (1, SIZE, SIZE))
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for some in torch.randperm(len(images)).split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[some]), masks[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
