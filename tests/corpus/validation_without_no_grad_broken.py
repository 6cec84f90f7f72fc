# bug: the validation pass runs with gradients enabled and keeps a list of outputs with their graphs
# expects: MEM002 MEM001
"""Multi-class tabular classification with callbacks."""
import logging
import sys

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logger = logging.getLogger("trainer")
logger.addHandler(logging.StreamHandler(sys.stdout))
logger.setLevel("INFO")


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.bad = patience, float("inf"), 0

    def __call__(self, value):
        if value < self.best:
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        return self.bad >= self.patience


class Trainer:
    def __init__(self, net, optimizer, stopper):
        self.net, self.optimizer, self.stopper = net, optimizer, stopper
        self.loss_fn = nn.CrossEntropyLoss()

    def train_epoch(self, loader):
        self.net.train()
        total = 0.0
        for x, y in loader:
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.net(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(y)
        return total / len(loader.dataset)

    def evaluate(self, loader):
        self.net.eval()
        outputs, targets = [], []
        for x, y in loader:
            outputs.append(self.net(x))
            targets.append(y)
        outputs, targets = torch.cat(outputs), torch.cat(targets)
        loss = self.loss_fn(outputs, targets)
        return loss.item(), (outputs.argmax(1) == targets).float().mean().item()

    def fit(self, train, val, epochs):
        for epoch in range(epochs):
            tr = self.train_epoch(train)
            vl, va = self.evaluate(val)
            logger.info("epoch %2d  train %.4f  val %.4f  acc %.3f", epoch, tr, vl, va)
            if self.stopper(vl):
                logger.info("stopped early")
                return


def main():
    torch.manual_seed(90)
    X, y = make_classification(3000, 20, n_informative=10, n_classes=5, class_sep=1.6, random_state=90)
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    train = DataLoader(TensorDataset(X[:2000], y[:2000]), batch_size=50, shuffle=True)
    val = DataLoader(TensorDataset(X[2000:], y[2000:]), batch_size=50)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    Trainer(net, optimizer, EarlyStopping(4)).fit(train, val, epochs=10)


if __name__ == "__main__":
    main()
