# expects: OPT018
"""A polynomial decay left at six epochs when the run was made longer."""

import torch
from torch import nn, optim
from torch.optim.lr_scheduler import PolynomialLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(800, 24)
y = (x @ torch.randn(24, 8)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)


class Trainer:
    def __init__(self, epochs=30):
        self.epochs = epochs
        self.model = nn.Sequential(nn.Linear(24, 48), nn.Tanh(), nn.Linear(48, 8))
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.05)
        self.scheduler = PolynomialLR(self.optimizer, total_iters=6, power=2.0)

    def run(self):
        for epoch in range(self.epochs):
            for a, b in loader:
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(a), b)
                loss.backward()
                self.optimizer.step()
            self.scheduler.step()
            print(epoch, loss.item(), self.scheduler.get_last_lr())


Trainer().run()
