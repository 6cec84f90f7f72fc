# expects: nothing
"""Trained once; then, for each test batch, the scales are adapted by a few steps of entropy and put back."""

import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 48), nn.LayerNorm(48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

trained = copy.deepcopy(model.state_dict())
for rows in torch.arange(1000, 1200).split(20):
    model.load_state_dict(trained)
    adapter = torch.optim.Adam(model[1].parameters(), lr=1e-3)
    for _ in range(2):
        logits = model(x[rows] + 0.3)
        entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum(1).mean()
        model.zero_grad()
        entropy.backward()
        adapter.step()
    with torch.no_grad():
        print((model(x[rows] + 0.3).argmax(1) == y[rows]).float().mean().item())
