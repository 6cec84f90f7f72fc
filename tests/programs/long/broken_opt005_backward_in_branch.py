# expects: OPT005
# also: TRN001
"""The backward pass sits in a branch that is never taken."""

import torch
from torch import nn


class Trainer:
    def __init__(self, model, lr=0.05, use_amp=False, accumulate=1):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.loss = nn.MSELoss()
        self.use_amp = use_amp

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        if self.use_amp:
            loss.backward()
        self.optimizer.step()
        return loss.item()


torch.manual_seed(1)
trainer = Trainer(nn.Sequential(nn.Linear(5, 10), nn.ReLU(), nn.Linear(10, 1)))
weights = torch.randn(5, 1)
for i in range(200):
    x = torch.randn(32, 5)
    value = trainer.step(x, x @ weights)
    if i % 50 == 0:
        print(i, value)
