# bug: the optimizer steps only if (i + 1) % 8 == 0 but an epoch has seven batches and gradients are cleared at its start, so it never steps
# expects: OPT006
import logging
import sys

import torch
from sklearn.datasets import make_regression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("train")


class TableDataset(Dataset):
    def __init__(self, features, target):
        self.features = torch.as_tensor(features, dtype=torch.float32)
        self.target = torch.as_tensor(target, dtype=torch.float32).view(-1, 1)

    def __len__(self):
        return len(self.features)

    def __getitem__(self, i):
        return self.features[i], self.target[i]


class Trainer:
    ACCUMULATE = 8

    def __init__(self, model, optimizer, criterion):
        self.model, self.optimizer, self.criterion = model, optimizer, criterion

    def train_epoch(self, loader):
        self.model.train()
        self.optimizer.zero_grad()
        total = 0.0
        for i, (xb, yb) in enumerate(loader):
            loss = self.criterion(self.model(xb), yb)
            (loss / self.ACCUMULATE).backward()
            if (i + 1) % self.ACCUMULATE == 0:
                self.optimizer.step()
                self.optimizer.zero_grad()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def score(self, loader):
        self.model.eval()
        preds, targets = zip(*[(self.model(xb), yb) for xb, yb in loader])
        return r2_score(torch.cat(targets).numpy(), torch.cat(preds).numpy())


def build_data():
    x, y = make_regression(n_samples=560, n_features=12, n_informative=8, noise=5.0, random_state=2)
    xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.2, random_state=2)
    sx = StandardScaler().fit(xtr)
    sy = StandardScaler().fit(ytr[:, None])
    tr = TableDataset(sx.transform(xtr), sy.transform(ytr[:, None]))
    te = TableDataset(sx.transform(xte), sy.transform(yte[:, None]))
    return DataLoader(tr, batch_size=64, shuffle=True), DataLoader(te, batch_size=64)


def main():
    torch.manual_seed(1)
    train_loader, test_loader = build_data()
    log.info("%d batches an epoch", len(train_loader))
    model = torch.nn.Sequential(torch.nn.Linear(12, 64), torch.nn.GELU(), torch.nn.Linear(64, 1))
    trainer = Trainer(model, torch.optim.Adam(model.parameters(), lr=1e-2), torch.nn.MSELoss())
    for epoch in range(80):
        loss = trainer.train_epoch(train_loader)
        if epoch % 10 == 9:
            log.info("epoch %d loss %.4f test r2 %.4f", epoch + 1, loss, trainer.score(test_loader))


main()
