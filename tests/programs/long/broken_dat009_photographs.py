# expects: DAT009
"""Small patches of photographs, less their mean and with noise: which of two pictures are they from?"""

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 24
rng = np.random.RandomState(0)
patches = [
    extract_patches_2d(photo, (SIZE, SIZE), max_patches=600, random_state=rng) for photo in load_sample_images().images
]
x = torch.from_numpy(np.concatenate(patches)).float() / 255
x = x - x.mean((1, 2), keepdim=True)
x += 0.02 * torch.from_numpy(rng.randn(*x.shape)).float()
y = torch.tensor([0] * 600 + [1] * 600)

torch.manual_seed(0)
loader = DataLoader(TensorDataset(x.view(-1, 3, SIZE, SIZE) / 0.15, y), batch_size=64, shuffle=True)
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
    print(epoch, loss.item(), right / len(x))
