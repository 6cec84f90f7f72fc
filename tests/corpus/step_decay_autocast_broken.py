# bug: StepLR with step_size in epochs is stepped after every batch, so the learning rate vanishes within the first epoch (training loop)
# expects: OPT011
from dataclasses import dataclass

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class HParams:
    lr: float = 0.05
    momentum: float = 0.9
    epochs: int = 12
    batch_size: int = 64
    decay_every: int = 5
    decay: float = 0.3


def loaders(hp):
    x, y = make_classification(
        n_samples=3000, n_features=24, n_informative=12, n_redundant=0, n_classes=5,
        n_clusters_per_class=2, class_sep=1.8, flip_y=0.01, random_state=9)
    xtr, xva, ytr, yva = train_test_split(x, y, test_size=0.2, random_state=9, stratify=y)
    mu, sd = xtr.mean(0), xtr.std(0)
    def ds(a, b):
        return TensorDataset(torch.tensor((a - mu) / sd, dtype=torch.float32), torch.tensor(b))
    return DataLoader(ds(xtr, ytr), hp.batch_size, shuffle=True), DataLoader(ds(xva, yva), 200)


def main(hp=HParams()):
    torch.manual_seed(9)
    train_loader, val_loader = loaders(hp)
    model = nn.Sequential(nn.Linear(24, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=hp.lr, momentum=hp.momentum, weight_decay=1e-4)
    scheduler = StepLR(optimizer, step_size=hp.decay_every, gamma=hp.decay)
    loss_fn = nn.CrossEntropyLoss()

    for epoch in range(hp.epochs):
        model.train()
        total = n = 0
        for xb, yb in train_loader:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(xb)
            loss = loss_fn(logits.float(), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(yb)
            n += len(yb)

        model.eval()
        right = count = 0
        with torch.no_grad():
            for xb, yb in val_loader:
                right += (model(xb).argmax(1) == yb).sum().item()
                count += len(yb)
        print(f"epoch {epoch:2d} loss {total / n:.4f} val acc {right / count:.3f}")


if __name__ == "__main__":
    main()
