# expects: OPT033
"""A trainer that saves everything and puts back the weights alone."""

import os
import tempfile

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(32)
FILE = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")


class Trainer:
    def __init__(self):
        self.model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.02, momentum=0.95)
        self.epoch = 0

    def save(self):
        content = {"epoch": self.epoch, "net": self.model.state_dict(), "opt": self.optimizer.state_dict()}
        torch.save(content, FILE)

    def resume(self):
        content = torch.load(FILE)
        self.model.load_state_dict(content["net"])
        self.epoch = content["epoch"]

    def run(self, until, x, y):
        while self.epoch < until:
            for rows in torch.randperm(len(x)).split(32):
                self.optimizer.zero_grad()
                loss = F.mse_loss(self.model(x[rows]).squeeze(1), y[rows])
                loss.backward()
                self.optimizer.step()
            self.epoch += 1
            self.save()
            print(self.epoch, loss.item())


x = torch.randn(640, 10)
y = torch.sin(x[:, 0]) + x[:, 1]
Trainer().run(6, x, y)
again = Trainer()
again.resume()
again.run(12, x, y)
