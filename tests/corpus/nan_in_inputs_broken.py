# bug: missing values are left as NaN in a few rows of the inputs
# expects: DAT001
"""Predict disease progression; some blood values were not measured."""
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load(missing=0.01, seed=0):
    d = load_diabetes()
    x, y = d.data * 20, (d.target - 150) / 75
    rng = np.random.default_rng(seed)
    x = x.copy()
    x[rng.random(x.shape) < missing] = np.nan
    return x.astype(np.float32), y.astype(np.float32)


class Regressor(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.seq = nn.Sequential(nn.Linear(10, hidden), nn.ELU(), nn.Linear(hidden, hidden), nn.ELU())
        self.last = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.last(self.seq(x)).flatten()


def train(model, loader, optimizer, loss_fn):
    model.train()
    history = []
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return np.mean(history)


def main():
    torch.manual_seed(0)
    x, y = load()
    perm = np.random.default_rng(1).permutation(len(x))
    x, y = x[perm], y[perm]
    n = 340
    train_set = TensorDataset(torch.from_numpy(x[:n]), torch.from_numpy(y[:n]))
    x_test, y_test = torch.from_numpy(x[n:]), torch.from_numpy(y[n:])
    loader = DataLoader(train_set, batch_size=20, shuffle=True)
    model = Regressor(24)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.SmoothL1Loss()
    for epoch in range(14):
        train_loss = train(model, loader, optimizer, loss_fn)
        model.eval()
        with torch.no_grad():
            pred = model(x_test)
        corr = np.corrcoef(pred.numpy(), y_test.numpy())[0, 1]
        print(f"epoch {epoch}: train loss {train_loss:.4f} test correlation {corr:.3f}")


if __name__ == "__main__":
    main()
