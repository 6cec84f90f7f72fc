# expects: LOS011
"""Soft targets made of smoothed labels: the divergence is taken of the model's distribution from them."""

import torch
from torch import nn

torch.manual_seed(4)
CLASSES, SMOOTH = 6, 0.1
points = torch.randn(1500, 12)
scores = torch.tanh(points @ torch.randn(12, CLASSES)) * 2
labels = torch.distributions.Categorical(logits=scores).sample()
soft = torch.full((1500, CLASSES), SMOOTH / CLASSES).scatter_(1, labels[:, None], 1 - SMOOTH + SMOOTH / CLASSES)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, CLASSES))

    def forward(self, x):
        return self.layers(x).log_softmax(-1)


model = Classifier()
divergence = nn.KLDivLoss(reduction="none", log_target=True)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(1500).split(50):
        loss = divergence(soft[rows].log(), model(points[rows])).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), -model(points).gather(1, labels[:, None]).mean().item())
