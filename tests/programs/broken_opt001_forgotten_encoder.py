# expects: OPT001
"""Autoencoder on digits: the optimizer was given the decoder only."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(7)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 16.0

encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 12))
decoder = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid())
optim = torch.optim.Adam(decoder.parameters(), lr=2e-3)
mse = nn.MSELoss()

for it in range(300):
    batch = images[torch.randint(0, len(images), (64,))]
    optim.zero_grad(set_to_none=True)
    rebuilt = decoder(encoder(batch))
    loss = mse(rebuilt, batch)
    loss.backward()
    optim.step()
    if it % 60 == 0:
        print("iter", it, "reconstruction", round(loss.item(), 4))
