# expects: TRN024
"""Masks of bright spots; a small network with raw maps, scored by Dice each epoch."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Mapper(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, image):
        return self.head(self.body(image))


def draw(count, rng):
    grid = np.mgrid[:20, :20]
    images, masks = rng.normal(0, 0.9, (count, 1, 20, 20)), np.zeros((count, 1, 20, 20))
    for image, mask in zip(images, masks, strict=True):
        centre = rng.uniform(4, 16, (2, 1, 1))
        mask[0] = ((grid - centre) ** 2).sum(0) < rng.uniform(4, 16)
        image += mask
    return TensorDataset(torch.tensor(images, dtype=torch.float32), torch.tensor(masks, dtype=torch.float32))


def dice(found, truth):
    return (2 * (found * truth).sum() / (found.sum() + truth.sum()).clamp(min=1)).item()


rng = np.random.default_rng(2)
torch.manual_seed(2)
train, held = DataLoader(draw(640, rng), 16, shuffle=True), DataLoader(draw(160, rng), 32)
model = Mapper()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for image, mask in train:
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(image), mask).backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        scores = [dice(model(image).ge(0.5).float(), mask) for image, mask in held]
    print(f"{epoch} dice {sum(scores) / len(scores):.3f}")
