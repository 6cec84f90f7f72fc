# bug: the batch size is more than half the dataset and drop_last is on, so each epoch is one step and most of the rest is dropped
# expects: DAT010
import sys
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Subset, TensorDataset

CONFIG = dict(
    batch_size=320,
    drop_last=True,
    epochs=60,
    lr=0.02,
    seed=99,
)


def loaders(cfg):
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32)
    ds = TensorDataset((x - x.mean()) / x.std(), torch.tensor(d.target))
    ix = torch.randperm(len(ds)).tolist()
    train, val = Subset(ds, ix[:600]), Subset(ds, ix[600:])
    return (
        DataLoader(train, batch_size=cfg["batch_size"], shuffle=True, drop_last=cfg["drop_last"]),
        DataLoader(val, batch_size=399),
    )


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(64, 128)
        self.block = nn.Sequential(nn.LayerNorm(128), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 128))
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        h = self.stem(x)
        h = h + self.block(h)
        return self.head(h)


def main(cfg):
    torch.manual_seed(cfg["seed"])
    train_dl, val_dl = loaders(cfg)
    net = Model()
    opt = torch.optim.SGD(net.parameters(), lr=cfg["lr"], momentum=0.5)
    seen = 0
    for epoch in range(1, cfg["epochs"] + 1):
        net.train()
        for x, y in train_dl:
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            opt.zero_grad()
            seen += len(x)
        net.eval()
        with torch.no_grad():
            ok = sum((net(x).argmax(1) == y).sum().item() for x, y in val_dl)
        if epoch % 5 == 0:
            print(f"epoch={epoch} examples={seen} train_loss={loss.item():.4f} val_acc={ok / len(val_dl.dataset):.4f}", file=sys.stdout)


main(CONFIG)
