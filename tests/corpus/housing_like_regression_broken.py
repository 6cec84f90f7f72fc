# bug: predictions of shape (N, 1) are compared with targets of shape (N,), so the squared error broadcasts to N x N and the model regresses to the mean
# expects: LOS003
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class HouseDataset(Dataset):
    """Made-up houses: size, age, rooms, distance, district quality -> standardised price."""

    def __init__(self, n, seed):
        r = np.random.default_rng(seed)
        size, age = r.uniform(40, 200, n), r.uniform(0, 80, n)
        rooms = np.clip(size / 30 + r.normal(0, 0.7, n), 1, 8)
        dist, quality = r.exponential(6, n), r.uniform(0, 1, n)
        price = 2.5 * size * (0.6 + quality) - 1.2 * age + 15 * rooms - 8 * np.sqrt(dist) * quality * 5 + r.normal(0, 15, n)
        feats = np.stack([(size - 120) / 46, (age - 40) / 23, (rooms - 4) / 1.6, (dist - 6) / 6, (quality - 0.5) / 0.29], 1)
        self.x = torch.tensor(feats, dtype=torch.float32)
        self.y = torch.tensor((price - 290) / 140, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def squared_error(pred, target):
    return ((pred - target) ** 2).mean()


def epoch_pass(model, loader, loss_fn, optimizer=None):
    training = optimizer is not None
    model.train(training)
    losses = []
    with torch.set_grad_enabled(training):
        for x, y in loader:
            pred = model(x)
            loss = loss_fn(pred, y)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            losses.append(loss.item())
    return float(np.mean(losses))


def main():
    torch.manual_seed(0)
    train = DataLoader(HouseDataset(1600, 0), batch_size=64, shuffle=True)
    valid = DataLoader(HouseDataset(400, 1), batch_size=100)
    model = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    loss_fn = squared_error
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(16):
        tr = epoch_pass(model, train, loss_fn, optimizer)
        va = epoch_pass(model, valid, loss_fn)
        print(f"epoch {epoch:2d}  train {tr:.4f}  valid {va:.4f}")


if __name__ == "__main__":
    main()
