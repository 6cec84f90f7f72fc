# expects: nothing
"""The encoder of an autoencoder gets a head, and joins the optimizer when it thaws."""

import torch
from torch import nn
from torch.nn import functional as F


class Labeller(nn.Module):
    def __init__(self, encoder, classes):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(6, classes)

    def forward(self, v):
        return self.head(self.encoder(v))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 40), nn.Tanh(), nn.Linear(40, 6), nn.Tanh())
        self.decoder = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 16))

    def forward(self, v):
        return self.decoder(self.encoder(v))


def fit(model, optimizer, loss_of, count, rounds):
    for _ in range(rounds):
        for rows in torch.randperm(count).split(40):
            optimizer.zero_grad()
            loss = loss_of(model, rows)
            loss.backward()
            optimizer.step()
    print(type(model).__name__, round(loss.item(), 4))


torch.manual_seed(3)
inputs = torch.randn(800, 8) @ torch.randn(8, 16)
labels = (torch.sin(inputs[:, 0]) + inputs[:, 1] / 4 > 0).long() + (inputs[:, 2] > 0).long()

whole = Autoencoder()
pretraining = torch.optim.Adam(whole.parameters(), lr=2e-3)
fit(whole, pretraining, lambda m, rows: F.mse_loss(m(inputs[rows]), inputs[rows]), 800, 8)

labeller = Labeller(whole.encoder, 3)
labeller.encoder.requires_grad_(False)
optimizer = torch.optim.SGD(labeller.head.parameters(), lr=0.05, momentum=0.9)
fit(labeller, optimizer, lambda m, rows: F.cross_entropy(m(inputs[rows]), labels[rows]), 800, 6)
labeller.encoder.requires_grad_(True)
optimizer.add_param_group({"params": list(labeller.encoder.parameters()), "lr": 0.02})
fit(labeller, optimizer, lambda m, rows: F.cross_entropy(m(inputs[rows]), labels[rows]), 800, 12)
