# bug: RMSNorm squares the float16 counts in half precision: values over 255 overflow to inf and the whole row is normalised to zero
# expects: NUM013
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

CELLS = 36
SPECIES = ("electron", "photon", "pion", "muon")


class ShowerSet(Dataset):
    """Calorimeter cells in raw counts, kept in half precision as the readout delivers them."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        gy, gx = np.mgrid[:6, :6]
        label = rng.integers(0, 4, n)
        cells = np.zeros((n, CELLS), dtype=np.float32)
        for i, k in enumerate(label):
            cy, cx = rng.uniform(1.5, 3.5, 2)
            spread = (0.75, 0.95, 1.5, 0.4)[k] * rng.uniform(0.85, 1.15)
            r2 = (gy - cy) ** 2 + (gx - cx) ** 2
            shape = np.exp(-r2 / (2 * spread ** 2))
            if k == 1:
                shape = shape + 0.25 * np.exp(-((gy - cy - 1.5) ** 2 + (gx - cx) ** 2))
            shape = shape / shape.sum()
            energy = rng.lognormal(8.1, 1.0)
            noisy = energy * shape * rng.lognormal(0, 0.25, shape.shape)
            cells[i] = np.clip(noisy + rng.normal(0, 2, shape.shape), 0, 30000).reshape(-1)
        self.cells = torch.from_numpy(cells).half()
        self.label = torch.from_numpy(label)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        return self.cells[i], self.label[i]


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        inv = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * (x * inv).float()


def build():
    return nn.Sequential(
        RMSNorm(CELLS),
        nn.Linear(CELLS, 96), nn.SiLU(),
        RMSNorm(96),
        nn.Linear(96, 96), nn.SiLU(),
        RMSNorm(96),
        nn.Linear(96, len(SPECIES)),
    )


def evaluate(net, loader):
    net.eval()
    table = torch.zeros(4, 4, dtype=torch.long)
    with torch.inference_mode():
        for cells, label in loader:
            guess = net(cells).argmax(-1)
            for t, p in zip(label.tolist(), guess.tolist()):
                table[t, p] += 1
    net.train()
    return table


def main():
    torch.manual_seed(21)
    train = DataLoader(ShowerSet(4000, 100), batch_size=64, shuffle=True, drop_last=True)
    test = DataLoader(ShowerSet(1200, 200), batch_size=300)
    net = build()
    opt = torch.optim.NAdam(net.parameters(), lr=2e-3)
    epochs = 24
    sched = torch.optim.lr_scheduler.PolynomialLR(opt, epochs, power=1.0)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        losses = []
        for cells, label in train:
            opt.zero_grad()
            loss = criterion(net(cells), label)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        sched.step()
        if epoch % 2 == 1:
            table = evaluate(net, test)
            acc = table.diag().sum().item() / table.sum().item()
            print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} test acc {acc:.4f}")
    table = evaluate(net, test)
    for name, row in zip(SPECIES, table):
        print(f"{name:>9}: {row.tolist()}")
    print("final accuracy", round(table.diag().sum().item() / table.sum().item(), 4))


if __name__ == "__main__":
    main()
