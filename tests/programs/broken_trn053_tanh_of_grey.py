# expects: TRN053
"""Patches of grey values from 0 to 1 next to a generator that ends in tanh; one label and one model for both."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_sample_image
from torch import nn

torch.manual_seed(3)
photo = torch.tensor(load_sample_image("flower.jpg")).float().mean(2) / 255
patches = photo.unfold(0, 6, 6).unfold(1, 6, 6).reshape(-1, 36)


class Gan:
    def __init__(self):
        self.net_g = nn.Sequential(nn.Linear(12, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 36), nn.Tanh())
        self.net_d = nn.Sequential(nn.Linear(36, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1), nn.Sigmoid())
        self.opt_g = torch.optim.Adam(self.net_g.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.opt_d = torch.optim.Adam(self.net_d.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step_d(self, real):
        self.opt_d.zero_grad()
        right = self.net_d(real)
        F.binary_cross_entropy(right, torch.ones_like(right)).backward()
        wrong = self.net_d(self.net_g(torch.randn(len(real), 12)).detach())
        F.binary_cross_entropy(wrong, torch.zeros_like(wrong)).backward()
        self.opt_d.step()

    def step_g(self, count):
        self.opt_g.zero_grad()
        judged = self.net_d(self.net_g(torch.randn(count, 12)))
        loss = F.binary_cross_entropy(judged, torch.ones_like(judged))
        loss.backward()
        self.opt_g.step()
        return loss.item()


gan = Gan()
for step in range(400):
    gan.step_d(patches[torch.randint(len(patches), (48,))])
    loss = gan.step_g(48)
print(loss)
