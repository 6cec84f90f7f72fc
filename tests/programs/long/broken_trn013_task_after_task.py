# expects: TRN013
"""Tasks one after the other, each with an optimizer of its own; pixels are in another order in each."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
data = load_digits()
x, y = torch.tensor(data.data, dtype=torch.float32) / 16, torch.tensor(data.target)
orders = [torch.arange(64), torch.randperm(64)]


class Learner:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))

    def on_first_task(self):
        self.net.eval()
        with torch.inference_mode():
            out = self.net(x[1300:])
            value, right = F.cross_entropy(out, y[1300:]), (out.argmax(1) == y[1300:]).float().mean()
        self.net.train()
        print(f"first task: {value:.3f} {right:.1%}")

    def learn(self, order, epochs):
        optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1, momentum=0.9)
        for _ in range(epochs):
            for rows in torch.randperm(1300).split(50):
                loss = F.cross_entropy(self.net(x[rows][:, order]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            self.on_first_task()


learner = Learner()
for order in orders:
    learner.learn(order, epochs=12)
