# expects: DAT052
"""A forecaster of the next hour's load: hourly windows are cut first and split at random by scikit-learn afterwards."""

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HOURS, PAST = 3000, 36


def load_curve(seed=5):
    rng = np.random.default_rng(seed)
    hours = np.arange(HOURS)
    drift = np.cumsum(rng.normal(0, 0.08, HOURS))
    temperature = 12 + 8 * np.sin(hours * 2 * np.pi / 24 - 2) + rng.normal(0, 1.5, HOURS)
    load = 3 * np.sin(hours * 2 * np.pi / 24) - 0.15 * temperature + drift + rng.normal(0, 0.4, HOURS)
    return np.stack([load, temperature], 1).astype(np.float32)


class Forecaster(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.gru = nn.GRU(2, width, batch_first=True)
        self.out = nn.Linear(width, 1)

    def forward(self, past):
        return self.out(self.gru(past)[0][:, -1])[:, 0]


def main():
    torch.manual_seed(5)
    curve = load_curve()
    curve = (curve - curve[:2000].mean(0)) / curve[:2000].std(0)
    past = np.stack([curve[at : at + PAST] for at in range(HOURS - PAST)])
    following = curve[PAST:, 0]
    x, x_test, y, y_test = map(torch.from_numpy, train_test_split(past, following, test_size=0.2, random_state=0))
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(8):
        model.train()
        for batch, wanted in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch), wanted)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            error = nn.functional.mse_loss(model(x_test), y_test).item()
        print(f"epoch {epoch} loss {loss.item():.3f} test {error:.3f}")


if __name__ == "__main__":
    main()
