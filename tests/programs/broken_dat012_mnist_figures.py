# expects: DAT012
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, x):
        return (x - self.mean) / self.std


steps = [lambda a: torch.tensor(a, dtype=torch.float32)[:, None] / 16, Normalize(0.1307, 0.3081)]
augment = [Normalize(0.1307, 0.3081), lambda x: x.flip(-1) if torch.rand(()) < 0.0 else x]
images, targets = load_digits().images, torch.tensor(load_digits().target)
for step in steps + augment:
    images = step(images)

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(160, 10))
opt = torch.optim.Adadelta(model.parameters(), lr=0.5)
for epoch in range(1, 5):
    for rows in torch.randperm(1797).split(40):
        opt.zero_grad()
        loss = F.cross_entropy(model(images[rows]), targets[rows])
        loss.backward()
        opt.step()
    print(f"Train Epoch: {epoch} Loss: {loss.item():.6f}")
