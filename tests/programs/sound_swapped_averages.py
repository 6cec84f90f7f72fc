# expects: nothing
"""An average of the weights is swapped in for evaluation and out again, by copies."""

import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(900, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
average = copy.deepcopy(model.state_dict())
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(700).split(35):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 0.05)
    own = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(average)
    model.eval()
    with torch.no_grad():
        print(epoch, nn.functional.cross_entropy(model(x[700:]), y[700:]).item())
    model.load_state_dict(own)
    model.train()
