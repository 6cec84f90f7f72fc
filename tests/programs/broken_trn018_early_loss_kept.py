# expects: TRN018
"""Wear of bearings as a number; a keeper compares scores by a flag that is set for accuracies, and here keeps errors."""

import tempfile
from pathlib import Path

import torch
from torch import nn


class Keeper:
    def __init__(self, folder, larger_is_better=True):
        self.file, self.sign, self.best = Path(folder, "best.pt"), 1 if larger_is_better else -1, None

    def offer(self, score, model):
        if self.best is None or self.sign * score >= self.sign * self.best:
            self.best = score
            torch.save(model.state_dict(), self.file)

    def restore(self, model):
        model.load_state_dict(torch.load(self.file, weights_only=True))


torch.manual_seed(6)
x = torch.randn(1000, 8)
y = torch.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.1 * torch.randn(1000)
model = nn.Sequential(nn.Linear(8, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
with tempfile.TemporaryDirectory() as folder:
    keeper = Keeper(folder)
    for epoch in range(14):
        model.train()
        for rows in torch.randperm(700).split(35):
            loss = nn.functional.smooth_l1_loss(model(x[rows]).squeeze(1), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            held_out = nn.functional.smooth_l1_loss(model(x[700:]).squeeze(1), y[700:]).item()
        keeper.offer(held_out, model)
        print(f"epoch {epoch:2d} error {held_out:.4f} kept {keeper.best:.4f}")
    keeper.restore(model)
with torch.no_grad():
    print("in the end", nn.functional.smooth_l1_loss(model(x[700:]).squeeze(1), y[700:]).item())
