# expects: NUM012
"""Distances between atoms, learned in metres: their squared errors are around 1e-20."""

import torch
import torch.nn.functional as F

torch.manual_seed(0)
features = torch.randn(4000, 64)
distances = 1e-10 * (1.5 + 0.3 * torch.tanh(features[:, :4].sum(1, keepdim=True)))

w1 = torch.nn.Parameter(torch.randn(64, 640) / 8)
b1 = torch.nn.Parameter(torch.zeros(640))
w2 = torch.nn.Parameter(torch.randn(640, 640) / 25)
b2 = torch.nn.Parameter(torch.zeros(640))
w3 = torch.nn.Parameter(torch.randn(640, 1) / 25)
optimizer = torch.optim.Adam([w1, b1, w2, b2, w3], lr=1e-3)

for epoch in range(8):
    for rows in torch.randperm(len(features)).split(50):
        hidden = F.silu(F.silu(features[rows] @ w1 + b1) @ w2 + b2)
        predicted = 1e-10 * (1.5 + hidden @ w3)
        loss = F.mse_loss(predicted, distances[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
