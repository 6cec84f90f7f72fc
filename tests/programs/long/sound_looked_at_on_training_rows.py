# expects: nothing
"""A table standardised by its training rows; the model is looked at on all of these, and on the held-out rows."""

import torch
from torch import nn

torch.manual_seed(2)
x = 5.0 * torch.randn(1200, 8) + 2.0
y = torch.tanh(x[:, 0] / 4) + 0.1 * x[:, 1] + 0.05 * torch.randn(1200)
mean, deviation = x[:1000].mean(0), x[:1000].std(0)
x = (x - mean) / deviation

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        fitted = nn.functional.mse_loss(model(x[:1000]).squeeze(1), y[:1000])
        held_out = nn.functional.mse_loss(model(x[1000:]).squeeze(1), y[1000:])
    print(epoch, fitted.item(), held_out.item())
