# expects: TRN053
"""A Wasserstein GAN of convolutions: pixels are scaled by their mean and deviation, the generator ends in tanh."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
pixels = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1)
pixels = (pixels - pixels.mean()) / pixels.std()


class Painter(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Linear(10, 32 * 2 * 2)
        self.up = nn.ConvTranspose2d(32, 16, 4, 2, 1)
        self.out = nn.ConvTranspose2d(16, 1, 4, 2, 1)

    def forward(self, z):
        h = torch.relu(self.start(z)).view(-1, 32, 2, 2)
        return torch.tanh(self.out(torch.relu(self.up(h))))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten()
        )
        self.head = nn.Linear(128, 1)

    def forward(self, image):
        return self.head(self.body(image))


painter, critic = Painter(), Critic()
opt_painter = torch.optim.RMSprop(painter.parameters(), lr=2e-4)
opt_critic = torch.optim.RMSprop(critic.parameters(), lr=2e-4)
for epoch in range(6):
    for number, rows in enumerate(torch.randperm(len(pixels)).split(64)):
        with torch.no_grad():
            made = painter(torch.randn(len(rows), 10))
        gap = critic(made).mean() - critic(pixels[rows]).mean()
        opt_critic.zero_grad()
        gap.backward()
        opt_critic.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-0.05, 0.05)
        if number % 3 == 2:
            opt_painter.zero_grad()
            (-critic(painter(torch.randn(64, 10))).mean()).backward()
            opt_painter.step()
    print(epoch, gap.item())
