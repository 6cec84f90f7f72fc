# expects: nothing
import copy

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
data = load_digits()
x = torch.tensor(data.data, dtype=torch.float32) / 16
y = torch.tensor(data.target)
order = torch.randperm(len(x))
train, valid = order[:300], order[300:800]
model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
best, best_state, patience = float("inf"), None, 6
for epoch in range(200):
    model.train()
    for rows in train[torch.randperm(300)].split(30):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        held_out = nn.functional.cross_entropy(model(x[valid]), y[valid]).item()
    if held_out < best - 1e-4:
        best, best_state, since = held_out, copy.deepcopy(model.state_dict()), 0
    else:
        since += 1
        if since >= patience:
            break
model.load_state_dict(best_state)
print(epoch, best)
