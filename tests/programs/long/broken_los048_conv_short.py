# expects: LOS048
"""Small images, 150 steps with the betas that were made for 1,000, the loss written by hand, and a class of its own."""

import math

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
digits = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16 * 2 - 1
loader = DataLoader(TensorDataset(digits), batch_size=48, shuffle=True)


class Schedule:
    def __init__(self, steps=150):
        self.steps = steps
        self.alpha_bar = (1 - torch.linspace(1e-4, 0.02, steps)).cumprod(0)

    def corrupt(self, clean, noise, step):
        level = self.alpha_bar[step].view(-1, 1, 1, 1)
        return level.sqrt() * clean + (1 - level).sqrt() * noise


class Net(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.time = nn.Linear(16, channels)
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.last = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, step, image):
        angle = step.unsqueeze(1) * torch.exp(-math.log(1000) * torch.arange(8) / 8)
        h = self.first(image) + self.time(torch.cat([angle.sin(), angle.cos()], 1))[:, :, None, None]
        return self.last(torch.relu(self.second(torch.relu(h))))


net, schedule = Net(), Schedule()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(6):
    for (clean,) in loader:
        noise, step = torch.randn_like(clean), torch.randint(schedule.steps, (len(clean),))
        predicted = net(step.float(), schedule.corrupt(clean, noise, step))
        loss = ((noise - predicted) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
