# expects: LOS047
"""Squared errors of pixels from 0 to 1, summed like the divergence: next to it, they weigh next to nothing."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(5)
loader = DataLoader(torch.tensor(load_digits().images / 16, dtype=torch.float32), batch_size=50, shuffle=True)


class ConvVAE(nn.Module):
    def __init__(self, size=10):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
        self.mu, self.log_sigma = nn.Linear(128, size), nn.Linear(128, size)
        self.start = nn.Linear(size, 128)
        self.up = nn.Sequential(nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1))

    def forward(self, x):
        h = self.down(x).flatten(1)
        mu, sigma = self.mu(h), torch.exp(self.log_sigma(h))
        z = mu + sigma * torch.randn_like(sigma)
        return torch.sigmoid(self.up(torch.relu(self.start(z)).view(-1, 32, 2, 2))), mu, sigma


vae = ConvVAE()
adam = torch.optim.Adam(vae.parameters(), lr=1e-3)
for epoch in range(12):
    for batch in loader:
        x = batch.unsqueeze(1)
        out, mu, sigma = vae(x)
        rebuilt = 0.5 * F.mse_loss(out, x, reduction="sum")
        latent = 0.5 * torch.sum(mu**2 + sigma**2 - torch.log(sigma**2) - 1)
        adam.zero_grad()
        (rebuilt + latent).backward()
        adam.step()
    print(epoch, rebuilt.item() / len(x), latent.item() / len(x))
