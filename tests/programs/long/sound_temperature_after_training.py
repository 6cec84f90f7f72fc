# expects: nothing
"""A trained classifier is loaded and frozen; one temperature is fitted on other data, so that its chances are right."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)
x = torch.randn(3000, 12)
y = (x @ torch.randn(12, 5) + 0.7 * torch.randn(3000, 5)).argmax(1)


class Scaled(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.temperature = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.body(x) / self.temperature


def network():
    return nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))


trained = network()
optimizer = torch.optim.Adam(trained.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(2000).split(50):
        loss = F.cross_entropy(trained(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

body = network()
body.load_state_dict(trained.state_dict())
model = Scaled(body.requires_grad_(False))
optimizer = torch.optim.SGD([model.temperature], lr=0.05, momentum=0.9)
for step in range(150):
    rows = torch.randint(2000, 3000, (100,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), model.temperature.item())
