# bug: the network ends in a sigmoid and the loss is BCEWithLogitsLoss
# expects: LOS001
import logging

import torch
from sklearn.datasets import make_multilabel_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
logger = logging.getLogger(__name__)


class TagModel(nn.Module):
    def __init__(self, n_in, n_tags, p=0.1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_in, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(p),
            nn.Linear(64, 64), nn.ReLU(),
        )
        self.tags = nn.Sequential(nn.Linear(64, n_tags), nn.Sigmoid())

    def forward(self, x):
        return self.tags(self.body(x))


def micro_f1(scores, target, threshold):
    pred = scores > threshold
    tp = (pred & target.bool()).sum()
    return (2 * tp / (pred.sum() + target.sum()).clamp(min=1)).item()


def main():
    torch.manual_seed(10)
    X, Y = make_multilabel_classification(n_samples=1500, n_features=30, n_classes=8, n_labels=2, random_state=10)
    X = torch.tensor(X, dtype=torch.float32)
    X = (X - X[:1200].mean(0)) / X[:1200].std(0)
    Y = torch.tensor(Y, dtype=torch.float32)
    train = DataLoader(TensorDataset(X[:1200], Y[:1200]), batch_size=50, shuffle=True)

    model = TagModel(30, 8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    threshold = 0.5
    for epoch in range(1, 13):
        model.train()
        running = []
        for xb, yb in train:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running.append(loss.item())
        model.eval()
        with torch.no_grad():
            out = model(X[1200:])
            val = criterion(out, Y[1200:]).item()
        logger.info("epoch %d train %.4f valid %.4f micro-F1 %.3f", epoch, sum(running) / len(running), val,
                    micro_f1(out, Y[1200:], threshold))


if __name__ == "__main__":
    main()
