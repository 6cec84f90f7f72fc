# expects: nothing
"""The weight of the divergence rises from 0, and the error of each pixel has its own scale."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 16


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 20))
        self.decoder = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        mean, logvar = self.encoder(x).chunk(2, dim=1)
        return self.decoder(mean + torch.randn_like(mean) * (0.5 * logvar).exp()), mean, logvar


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
steps = 0
for epoch in range(20):
    for x in images[torch.randperm(len(images))].split(64):
        out, mean, logvar = model(x)
        error = (out - x).square().sum(1).mean() / (2 * 0.2**2)
        divergence = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum(1).mean()
        loss = error + min(1.0, steps / 200) * divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1
    print(epoch, error.item(), divergence.item())
