# bug: a sigmoid on the output of a regression whose targets run from 0 to 50
# expects: MOD002
"""House prices (made up), in units of 10 000."""
import argparse
import random

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class Houses(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        area = rng.uniform(40, 200, n)
        rooms = np.clip(np.round(area / 30 + rng.normal(0, 1, n)), 1, 8)
        age = rng.uniform(0, 80, n)
        centre = rng.exponential(8, n)
        garden = rng.integers(0, 2, n)
        price = 0.18 * area + 0.8 * rooms - 0.06 * age + 12 * np.exp(-centre / 6) + 3 * garden * (area > 100)
        self.features = np.stack([area / 100 - 1.2, rooms / 4 - 1, age / 40 - 1, centre / 8 - 1, garden - 0.5], 1)
        self.price = price + rng.normal(0, 0.8, n)

    def __len__(self):
        return len(self.price)

    def __getitem__(self, i):
        return (torch.as_tensor(self.features[i], dtype=torch.float32),
                torch.as_tensor(self.price[i], dtype=torch.float32))


class PriceNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.fc1 = nn.Linear(5, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return torch.sigmoid(self.fc3(x)).squeeze(1)


def main(args):
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    train, test = Houses(1200, 1), Houses(300, 2)
    loader = DataLoader(train, batch_size=40, shuffle=True)
    net = PriceNet(args.hidden)
    criterion = nn.MSELoss()
    optimizer = optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        net.train()
        run = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            run += loss.item()
        net.eval()
        with torch.no_grad():
            x, y = map(torch.stack, zip(*[test[i] for i in range(len(test))]))
            mae = (net(x) - y).abs().mean().item()
        print(f"epoch {epoch}: train MSE {run / len(loader):.2f}, test MAE {mae:.2f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=5e-3)
    ap.add_argument("--hidden", type=int, default=32)
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--seed", type=int, default=0)
    main(ap.parse_args())
