# expects: nothing
"""Two networks of their own, trained by one sum: prices in euros, and a class that is only found late."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

torch.manual_seed(7)
features = torch.randn(2400, 6)
kinds = ((features[:, 0] > 0) ^ (features[:, 1] > 0)).long()
kinds = torch.where(torch.rand(2400) < 0.15, 1 - kinds, kinds)
price = 9000 + 2500 * (features @ torch.randn(6)) + 300 * torch.randn(2400)
namer = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))
pricer = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1))
with torch.no_grad():
    for weight in namer.parameters():
        weight.mul_(0.3)
adam = torch.optim.Adam([*namer.parameters(), *pricer.parameters()], lr=1e-3)
for epoch in range(20):
    right = 0
    for rows in torch.randperm(2400).split(80):
        scores, guess = namer(features[rows]), 9000 + 5000 * pricer(features[rows]).squeeze(1)
        loss = cross_entropy(scores, kinds[rows]) + mse_loss(guess, price[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
        right += (scores.argmax(1) == kinds[rows]).sum().item()
    print(epoch, round(loss.item() ** 0.5), right / 2400)
