# expects: nothing
"""An over-fitting network; what is put back are the weights of an early evaluation, the best by the held-out error."""

import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = (x[:, 0] + 0.8 * x[:, 1] + torch.randn(1200) > 0).long()
model = nn.Sequential(nn.Linear(10, 96), nn.ReLU(), nn.Linear(96, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
least, best, patience = float("inf"), None, 6
for epoch in range(20):
    model.train()
    for rows in torch.randperm(500).split(25):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = nn.functional.cross_entropy(model(x[500:]), y[500:]).item()
    if held_out < least:
        least, best, since = held_out, copy.deepcopy(model.state_dict()), epoch
    print(f"epoch {epoch:2d} held out {held_out:.4f}")
    if epoch - since >= patience:
        break
model.load_state_dict(best)
print("kept", since, least)
