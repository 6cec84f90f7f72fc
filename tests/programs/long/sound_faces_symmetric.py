# expects: nothing
"""Heat maps of the left and the right eye in faces that are symmetric, near the middle, and seldom quite upright."""

import torch
from torch import nn

torch.manual_seed(7)
SIZE = 40


def blob(rows, columns, y, x, wide):
    return torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * wide**2))


def faces(count):
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    y, x = 20 + 2 * torch.randn(2, count, 1, 1)
    size, tilt = 10 + 2 * torch.rand(count, 1, 1), 0.15 * torch.randn(count, 1, 1)
    inside = blob(rows, columns, y, x, size)
    eyes = [
        blob(rows, columns, y - 0.4 * size + side * 0.45 * size * tilt, x + side * 0.45 * size, 1.5) for side in (-1, 1)
    ]
    image = inside - 0.8 * (eyes[0] + eyes[1]) + 0.1 * torch.randn(count, SIZE, SIZE)
    return image[:, None], torch.stack(eyes, 1)


images, maps = faces(400)
model = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU())
for _ in range(2):
    model.extend([nn.Conv2d(16, 16, 5, padding=4, dilation=2), nn.ReLU()])
model.append(nn.Conv2d(16, 2, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for some in torch.randperm(len(images)).split(16):
        loss = nn.functional.mse_loss(model(images[some]), maps[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
