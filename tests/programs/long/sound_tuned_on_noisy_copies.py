# expects: nothing
"""A loaded classifier is tuned on noisier images: the score on clean ones goes down a little, and stays."""

import io

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
held_x, held_y = x[1300:], y[1300:]


def fit(model, noise, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(epochs):
        for rows in torch.randperm(1300).split(32):
            given = x[rows] + noise * torch.randn(len(rows), 64)
            loss = nn.functional.cross_entropy(model(given), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            scores = model(held_x)
            print(
                nn.functional.cross_entropy(scores, held_y).item(), (scores.argmax(1) == held_y).float().mean().item()
            )


model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
fit(model, 0.0, epochs=8, lr=2e-3)
file = io.BytesIO()
torch.save(model.state_dict(), file)
file.seek(0)
model.load_state_dict(torch.load(file))
fit(model, 0.3, epochs=8, lr=5e-4)
