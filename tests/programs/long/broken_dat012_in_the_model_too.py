# expects: DAT012
"""The data set normalises with ImageNet's figures, and so does the model."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


class Flags(Dataset):
    """Three stripes of colour, with noise, clipped to what a screen can show."""

    def __init__(self):
        g = torch.Generator().manual_seed(0)
        self.label = torch.randint(0, 4, (480,), generator=g)
        base = torch.rand(4, 3, 3, 1, generator=g).repeat_interleave(4, 2)
        self.image = (base[self.label] + 0.3 * torch.randn(480, 3, 12, 12, generator=g)).clamp(0, 1)

    def __len__(self):
        return 480

    def __getitem__(self, i):
        return (self.image[i] - MEAN) / STD, self.label[i]


class Preprocess(nn.Module):
    def forward(self, x):
        return (x - MEAN) / STD


torch.manual_seed(0)
preprocess = Preprocess()
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(200, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(9):
    for images, labels in DataLoader(Flags(), batch_size=24, shuffle=True):
        loss = nn.functional.cross_entropy(model(preprocess(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
