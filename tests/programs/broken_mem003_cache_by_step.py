# expects: MEM003
"""A trainer that remembers the scores of every step under its number, for a plot that nobody draws."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Trainer:
    def __init__(self, model, loader):
        self.model, self.loader = model, loader
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        self.scores = {}
        self.step = 0

    def fit(self, epochs):
        for epoch in range(epochs):
            for pixels, labels in self.loader:
                scores = self.model(pixels)
                loss = nn.functional.cross_entropy(scores, labels)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.scores[self.step] = (pixels.clone(), scores.detach().clone())
                self.step += 1
            print(epoch, loss.item())


pixels = torch.rand(1280, 784)
labels = (pixels[:, :392].sum(1) > pixels[:, 392:].sum(1)).long()
loader = DataLoader(TensorDataset(pixels, labels), batch_size=32, shuffle=True)
Trainer(nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 2)), loader).fit(6)
