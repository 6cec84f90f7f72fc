# expects: OPT015
"""A small trainer class accumulates over four batches and clips; the loss is an error written by hand."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Waves(Dataset):
    def __init__(self, n=960):
        g = torch.Generator().manual_seed(5)
        self.x = torch.rand(n, 6, generator=g) * 2 - 1
        self.y = torch.sin(2 * self.x[:, :1]) + self.x[:, 1:2] * self.x[:, 2:3]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Trainer:
    def __init__(self, model, loader, accumulate=4):
        self.model, self.loader, self.accumulate = model, loader, accumulate
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)

    def fit(self, epochs):
        for epoch in range(epochs):
            for index, (x, y) in enumerate(self.loader):
                if index % self.accumulate == 0:
                    self.optimizer.zero_grad()
                error = self.model(x) - y
                loss = (error**2).mean()
                loss.backward()
                if index % self.accumulate == self.accumulate - 1:
                    nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                    self.optimizer.step()
            print(epoch, float(loss))


torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 1))
Trainer(net, DataLoader(Waves(), batch_size=12, shuffle=True)).fit(10)
