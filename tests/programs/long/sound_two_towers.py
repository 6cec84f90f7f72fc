# expects: nothing
"""CLIP style: the model gives back a matrix of similarities, and the targets are its diagonal."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 16))
        self.text = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 16))
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, image, text):
        a, b = F.normalize(self.image(image), dim=1), F.normalize(self.text(text), dim=1)
        return self.scale.exp() * a @ b.t()


hidden = torch.randn(1600, 8)
images, texts = hidden @ torch.randn(8, 20), hidden @ torch.randn(8, 12) + 0.1 * torch.randn(1600, 12)
loader = DataLoader(TensorDataset(images, texts), batch_size=32, shuffle=True, drop_last=True)
towers = Towers()
optimizer = torch.optim.AdamW(towers.parameters(), lr=2e-3)
for epoch in range(5):
    for image, text in loader:
        scores = towers(image, text)
        own = torch.arange(len(scores))
        loss = (F.cross_entropy(scores, own) + F.cross_entropy(scores.t(), own)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
