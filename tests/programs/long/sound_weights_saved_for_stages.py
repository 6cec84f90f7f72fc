# expects: nothing
"""Weights are saved and loaded for other reasons than to go on: one start for all folds, the best of a fold, a next stage."""

import tempfile
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 12)
y = torch.tanh(x @ torch.randn(12, 2) / 3) + 0.1 * torch.randn(600, 2)
folder = Path(tempfile.mkdtemp())
net = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 2))
torch.save(net.state_dict(), folder / "start.pt")
for fold in range(5):
    net.load_state_dict(torch.load(folder / "start.pt"))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    held = torch.arange(600) % 5 == fold
    training, best = torch.nonzero(~held)[:, 0], float("inf")
    for epoch in range(12):
        net.train()
        for rows in training[torch.randperm(480)].split(30):
            loss = nn.functional.mse_loss(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            score = nn.functional.mse_loss(net(x[held]), y[held]).item()
        if score < best:
            best = score
            torch.save(net.state_dict(), folder / f"fold{fold}.pt")
    net.load_state_dict(torch.load(folder / f"fold{fold}.pt"))
    print(fold, best)
optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
for rows in torch.randperm(600).split(30):
    loss = nn.functional.mse_loss(net(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
