# expects: nothing
"""A converged model is loaded and trained on with a tiny rate and heavy decay groups: nothing much moves, rightly."""

import io

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 8)
y = (x[:, 0] + x[:, 1] > 0).float().unsqueeze(1)


def build():
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))


def train(model, optimizer, steps):
    loss_fn = nn.BCEWithLogitsLoss()
    for _ in range(steps):
        rows = torch.randint(0, 600, (64,))
        loss = loss_fn(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


model = build()
print("training", train(model, torch.optim.Adam(model.parameters(), lr=1e-2), 300))
buffer = io.BytesIO()
torch.save(model.state_dict(), buffer)
buffer.seek(0)
again = build()
again.load_state_dict(torch.load(buffer))
print("fine-tuning", train(again, torch.optim.AdamW(again.parameters(), lr=1e-6, weight_decay=0.1), 200))
