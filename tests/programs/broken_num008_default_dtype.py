# expects: NUM008
"""The default type was set to float64 to quiet an error of mixed types."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
generator = np.random.RandomState(1)
images = torch.tensor(generator.rand(600, 1, 12, 12))
labels = torch.tensor((generator.rand(600) * 0 + images.numpy()[:, 0, :6].mean((1, 2)) > 0.5).astype("int64"))
torch.manual_seed(1)
model = nn.Sequential(nn.Conv2d(1, 24, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(600, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(600).split(30):
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
