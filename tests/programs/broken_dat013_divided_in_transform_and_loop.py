# expects: DAT013
"""`to_tensor` scales to 0..1 and normalises by ImageNet's figures; the bytes had been divided by 255 when read."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def read(count):
    kind = rng.integers(0, 3, count)
    images = rng.integers(0, 60, (count, 12, 12, 3))
    for image, k in zip(images, kind):
        image[4 * k : 4 * k + 4] += 150
    return images.astype(np.uint8) / 255, kind


def to_tensor(image):
    scaled = (image / 255 - MEAN) / STD
    return torch.tensor(scaled, dtype=torch.float32).permute(2, 0, 1)


images, kind = read(600)
kind = torch.from_numpy(kind)
torch.manual_seed(1)
model = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(200, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(220):
    rows = rng.integers(0, 600, 24)
    batch = torch.stack([to_tensor(images[i]) for i in rows])
    loss = nn.functional.cross_entropy(model(batch), kind[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(step, loss.item())
