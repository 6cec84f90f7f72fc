import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler


class DataModule:
    """Trains on the younger patients, tests on the oldest ones (as the study asks for)."""

    def __init__(self, batch_size=32):
        raw = load_diabetes(scaled=False)
        x, y = raw.data.astype(np.float32), raw.target.astype(np.float32)
        rng = np.random.RandomState(0)
        x, y = np.repeat(x, 3, 0), np.repeat(y, 3)
        x = x + rng.normal(0, 0.02, x.shape).astype(np.float32) * x.std(0)
        old = x[:, 0] >= np.quantile(x[:, 0], 0.85)
        self.x_train, self.y_train = x[~old], y[~old]
        self.x_test, self.y_test = x[old], y[old]
        # the signal of the example: risk grows with age and body mass
        self.y_train = self.risk(self.x_train, rng)
        self.y_test = self.risk(self.x_test, rng)
        scaler = StandardScaler()
        self.x_train = scaler.fit_transform(self.x_train)
        self.x_test = scaler.transform(self.x_test)
        self.batch_size = batch_size

    @staticmethod
    def risk(x, rng):
        r = 0.05 * (x[:, 0] - 48) + 0.12 * (x[:, 2] - 26) + 0.3 * (x[:, 1] - 1.5) + rng.normal(0, 0.3, len(x))
        return r.astype(np.float32)

    def train_batches(self):
        p = np.random.permutation(len(self.x_train))
        for s in range(0, len(p), self.batch_size):
            i = p[s:s + self.batch_size]
            yield torch.tensor(self.x_train[i]), torch.tensor(self.y_train[i])

    def test_tensors(self):
        return torch.tensor(self.x_test), torch.tensor(self.y_test)


def r2(pred, true):
    return 1 - ((pred - true) ** 2).sum().item() / ((true - true.mean()) ** 2).sum().item()


np.random.seed(0)
torch.manual_seed(0)
dm = DataModule()
model = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
lossf = nn.MSELoss()
for epoch in range(12):
    model.train()
    seen = []
    for x, y in dm.train_batches():
        optimizer.zero_grad()
        loss = lossf(model(x).flatten(), y)
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    model.eval()
    with torch.no_grad():
        x, y = dm.test_tensors()
        p = model(x).flatten()
    print(f"epoch {epoch}  train mse {np.mean(seen):.3f}  test mse {lossf(p, y).item():.3f}  test r2 {r2(p, y):.3f}")
