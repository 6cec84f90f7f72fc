# bug: groupby sorts the feature rows by serial while the labels stay in the order of the units table, so features and labels do not match and training stays at chance
# expects: DAT006
"""Which fault does a shop freezer have? One row a freezer, from a long table of readings."""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

FAULTS = ["none", "icing", "door", "fan", "gas"]


def read_tables(n_units=2600, per_unit=24, seed=4):
    rng = np.random.default_rng(seed)
    serial = rng.choice(np.arange(100000, 999999), n_units, replace=False)
    fault = rng.integers(0, len(FAULTS), n_units)
    units = pd.DataFrame({"serial": serial, "fault": fault})
    f = np.repeat(fault, per_unit)
    n = len(f)
    readings = pd.DataFrame({
        "serial": np.repeat(serial, per_unit),
        "temp": -20 + 1.5 * (f == 1) + 2.0 * (f == 2) + 1.0 * (f == 4) + rng.normal(0, 3 + 2 * (f == 2), n),
        "power": 300 + 40 * (f == 1) + 25 * (f == 4) - 30 * (f == 3) + rng.normal(0, 60, n),
        "hum": 45 + 6 * (f == 2) + 4 * (f == 1) + rng.normal(0, 9, n),
        "vib": rng.gamma(2 + 1.0 * (f == 3), 1.0, n),
    })
    return units, readings.sample(frac=1, random_state=seed)


def build_table(units, readings):
    stats = readings.groupby("serial").agg(["mean", "std", "min", "max"])
    stats.columns = ["_".join(c) for c in stats.columns]
    labels = units["fault"].to_numpy()
    return stats.to_numpy(dtype=np.float32), labels


class Units(Dataset):
    def __init__(self, x, y, mean, std):
        self.x = torch.from_numpy((x - mean) / std)
        self.y = torch.from_numpy(y)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Classifier(nn.Module):
    def __init__(self, n_in, hidden=40):
        super().__init__()
        self.inp = nn.Linear(n_in, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, len(FAULTS))
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        h = F.elu(self.inp(x))
        h = h + self.drop(F.elu(self.mid(h)))
        return self.out(h)


class Trainer:
    def __init__(self, model, train, valid, epochs):
        self.model, self.epochs = model, epochs
        self.train_dl = DataLoader(train, batch_size=32, shuffle=True, drop_last=True)
        self.valid_dl = DataLoader(valid, batch_size=256)
        self.opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
        self.sched = torch.optim.lr_scheduler.StepLR(self.opt, 30, 0.2)

    def one_epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.train_dl:
            loss = F.cross_entropy(self.model(x), y)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item()
        self.sched.step()
        return total / len(self.train_dl)

    @torch.no_grad()
    def evaluate(self, dl):
        self.model.eval()
        good = sum((self.model(x).argmax(1) == y).sum().item() for x, y in dl)
        return good / len(dl.dataset)

    def fit(self):
        for e in range(self.epochs):
            loss = self.one_epoch()
            if (e + 1) % 5 == 0:
                print(f"epoch {e + 1:02d} train loss {loss:.4f} valid acc {self.evaluate(self.valid_dl):.3f}")


def main():
    torch.manual_seed(4)
    x, y = build_table(*read_tables())
    order = np.random.default_rng(0).permutation(len(y))
    tr, va, te = np.split(order, [1600, 2000])
    mean, std = x[tr].mean(0), x[tr].std(0)
    train, valid, test = (Units(x[i], y[i], mean, std) for i in (tr, va, te))
    trainer = Trainer(Classifier(x.shape[1]), train, valid, epochs=75)
    trainer.fit()
    print(f"test acc {trainer.evaluate(DataLoader(test, batch_size=256)):.3f} over {len(FAULTS)} faults")


main()
