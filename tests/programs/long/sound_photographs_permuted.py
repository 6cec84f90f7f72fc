# expects: nothing
"""Patches of photographs and of the same in grey, three channels each, with noise: which of two pictures?"""

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 24
rng = np.random.RandomState(0)
patches = [
    extract_patches_2d(one, (SIZE, SIZE), max_patches=600, random_state=rng) for one in load_sample_images().images
]
x = torch.from_numpy(np.concatenate(patches)).float().permute(0, 3, 1, 2) / 255
x = x - x.mean((2, 3), keepdim=True)
y = torch.tensor([0] * 600 + [1] * 600)

torch.manual_seed(0)
for images in (x, x.mean(1, keepdim=True).repeat(1, 3, 1, 1)):
    noisy = (images + 0.02 * torch.randn_like(images)) / 0.15
    loader = DataLoader(TensorDataset(noisy, y), batch_size=64, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 2),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        right = 0
        for xb, yb in loader:
            scores = model(xb)
            loss = nn.functional.cross_entropy(scores, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += (scores.argmax(1) == yb).sum().item()
    print(loss.item(), right / len(y))
