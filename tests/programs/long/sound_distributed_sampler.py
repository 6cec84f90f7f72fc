# expects: nothing
"""A trainer prepared for several processes, run in one."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


class Trainer:
    def __init__(self, model, dataset, world_size=1, rank=0):
        self.model = model
        self.sampler = DistributedSampler(dataset, world_size, rank)
        self.loader = DataLoader(dataset, 32, sampler=self.sampler)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def fit(self, epochs):
        for epoch in range(epochs):
            self.sampler.set_epoch(epoch)
            running = 0.0
            for x, y in self.loader:
                self.optimizer.zero_grad()
                loss = nn.functional.mse_loss(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                running += loss.item()
            print(epoch, running / len(self.loader))


torch.manual_seed(0)
x = torch.randn(960, 6)
Trainer(nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1)), TensorDataset(x, x[:, :1] * x[:, 1:2])).fit(8)
