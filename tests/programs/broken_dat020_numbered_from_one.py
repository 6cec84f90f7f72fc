# expects: DAT020
"""Six kinds of iris-like flowers, numbered from 1 as in the paper's table."""

import torch
import torch.nn.functional as F
from torch import nn


def fit(model, inputs, targets, objective, epochs=8, size=40, rate=3e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for picks in torch.randperm(len(inputs)).split(size):
            optimizer.zero_grad()
            value = objective(model(inputs[picks]), targets[picks])
            value.backward()
            optimizer.step()
            total += value.item()
        model.eval()
        with torch.no_grad():
            print(epoch, total, objective(model(inputs[:200]), targets[:200]).item())


torch.manual_seed(11)
centres = torch.randn(6, 4) * 2
kinds = torch.randint(1, 7, (1200,))
flowers = centres[kinds - 1] + torch.randn(1200, 4)
fit(nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 7)), flowers, kinds, F.cross_entropy)
