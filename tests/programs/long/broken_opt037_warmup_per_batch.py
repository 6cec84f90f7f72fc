# expects: OPT037
"""A Trainer class whose schedule, warm-up and inverse root, is written in rates."""

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.optim.lr_scheduler import LambdaLR


class Trainer:
    def __init__(self, model, peak=1e-2, warm_up=40):
        self.model, self.peak, self.warm_up = model, peak, warm_up
        self.optimizer = torch.optim.Adam(model.parameters(), lr=peak)
        self.scheduler = LambdaLR(self.optimizer, lr_lambda=self.rate)

    def rate(self, step):
        if step < self.warm_up:
            return self.peak * (step + 1) / self.warm_up
        return self.peak * (self.warm_up / step) ** 0.5

    def step(self, x, y):
        loss = nn.functional.cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()


torch.manual_seed(1)
wine = load_wine()
x = torch.tensor(wine.data, dtype=torch.float32)
x, y = (x - x.mean(0)) / x.std(0), torch.tensor(wine.target)
trainer = Trainer(nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3)))
for step in range(400):
    rows = torch.randint(0, len(x), (32,))
    loss = trainer.step(x[rows], y[rows])
    if step % 100 == 99:
        print(step, loss)
