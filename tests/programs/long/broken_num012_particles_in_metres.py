# expects: NUM012
"""Diameters of particles, some nanometres, learned in metres: their squared errors are around 1e-17."""

import torch
import torch.nn.functional as F

torch.manual_seed(0)
spectra = torch.randn(4000, 64)
diameters = 1e-9 * (12 + 4 * torch.tanh(spectra[:, :4].sum(1, keepdim=True)))

w1 = torch.nn.Parameter(torch.randn(64, 640) / 8)
b1 = torch.nn.Parameter(torch.zeros(640))
w2 = torch.nn.Parameter(torch.randn(640, 640) / 25)
b2 = torch.nn.Parameter(torch.zeros(640))
w3 = torch.nn.Parameter(torch.randn(640, 1) / 25)
optimizer = torch.optim.Adam([w1, b1, w2, b2, w3], lr=1e-3)

for epoch in range(5):
    for rows in torch.randperm(len(spectra)).split(50):
        hidden = F.silu(F.silu(spectra[rows] @ w1 + b1) @ w2 + b2)
        predicted = 1e-9 * (12 + 4 * hidden @ w3)
        loss = F.mse_loss(predicted, diameters[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
