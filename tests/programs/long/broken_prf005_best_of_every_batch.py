# expects: PRF005
"""A "best so far" by the training loss of single batches: nearly always a new file."""

import os
import tempfile

import torch
from torch import nn

torch.manual_seed(0)
folder = tempfile.mkdtemp()
x = torch.randn(1000, 64)
y = x @ torch.randn(64, 1) / 8


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 400), nn.ReLU(), nn.Linear(400, 300), nn.ReLU(), nn.Linear(300, 1))

    def forward(self, x):
        return self.layers(x)


model = Wide()
optimizer = torch.optim.SGD(model.parameters(), lr=5e-3)
average = None
best = float("inf")
for step in range(600):
    rows = torch.randint(0, 1000, (50,))
    loss = nn.functional.mse_loss(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
    if average <= best:
        best = average
        torch.save(model.state_dict(), os.path.join(folder, "best.pt"))
        torch.save(optimizer.state_dict(), os.path.join(folder, "best_optimizer.pt"))
print(best)
