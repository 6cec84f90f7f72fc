# bug: score() never switches to eval mode, so BatchNorm normalises each single held-out record by itself and test records move the running stats
# expects: MOD007
# Vibration records of a spindle bearing -> wear stage. Records are scored one at a time, as on the shop floor.
import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import Dataset, DataLoader, random_split


class VibrationRecords(Dataset):
    stages = ("new", "run-in", "worn", "failing")

    def __init__(self, count, length=256, seed=0):
        rng = np.random.default_rng(seed)
        self.y = torch.tensor(rng.integers(0, 4, count))
        t = np.arange(length) / length
        self.x = torch.zeros(count, 1, length)
        for i, stage in enumerate(self.y.tolist()):
            level = 0.35 * 1.75 ** stage * rng.uniform(0.7, 1.4)
            carrier = np.sin(2 * np.pi * rng.uniform(24, 34) * t + rng.uniform(0, 6.28))
            ripple = 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(2, 5) * t + rng.uniform(0, 6.28))
            noise = rng.normal(0, 0.5, length)
            self.x[i, 0] = torch.tensor(level * (carrier * ripple + noise), dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def conv_block(cin, cout):
    return nn.Sequential(
        nn.Conv1d(cin, cout, 7, padding=3, bias=False),
        nn.BatchNorm1d(cout),
        nn.ReLU(),
        nn.MaxPool1d(2),
    )


class SpindleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_block(1, 12), conv_block(12, 24), conv_block(24, 32))
        self.classifier = nn.Linear(32, 4)

    def forward(self, x):
        return self.classifier(self.features(x).mean(-1))


def train_one_epoch(net, loader, opt, criterion):
    net.train()
    losses = []
    for x, y in loader:
        opt.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def score(net, records):
    confusion = torch.zeros(4, 4, dtype=torch.long)
    for x, y in DataLoader(records, batch_size=1):
        confusion[y.item(), net(x).argmax(1).item()] += 1
    return confusion


def main():
    torch.manual_seed(3)
    full = VibrationRecords(4000)
    train_set, test_set = random_split(full, [3200, 800], generator=torch.Generator().manual_seed(8))
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    net = SpindleNet()
    opt = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
    sched = optim.lr_scheduler.MultiStepLR(opt, [5, 7], gamma=0.2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, 9):
        loss = train_one_epoch(net, loader, opt, criterion)
        sched.step()
        conf = score(net, test_set)
        print(f"[{epoch}] loss={loss:.4f} held-out acc={conf.diag().sum().item() / conf.sum().item():.3f}")
    for name, row in zip(VibrationRecords.stages, conf):
        print(f"{name:>8}: {row.tolist()}")


if __name__ == "__main__":
    main()
