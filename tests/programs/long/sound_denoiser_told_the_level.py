# expects: nothing
"""A denoiser of images, which is told how strong the noise is: no image ever becomes noise, nor should it."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.level = nn.Linear(64, 128), nn.Linear(1, 128)
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, noisy, level):
        return self.out(self.image(noisy) + self.level(level.unsqueeze(1)))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for clean in images[torch.randperm(len(images))].split(64):
        level, noise = 0.6 * torch.rand(len(clean)), torch.randn_like(clean)
        loss = nn.functional.mse_loss(model(clean + level.unsqueeze(1) * noise, level), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
