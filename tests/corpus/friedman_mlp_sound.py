# sound
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler


class Regressor(nn.Module):
    def __init__(self, n_in, hidden=128, p=0.2):
        super().__init__()
        self.p = p
        self.fc1 = nn.Linear(n_in, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)

    def forward(self, x):
        x = F.dropout(F.relu(self.fc1(x)), p=self.p, training=self.training)
        x = F.dropout(F.relu(self.fc2(x)), p=self.p, training=self.training)
        return self.fc3(x)


def load():
    x, y = make_friedman1(n_samples=1600, n_features=10, noise=0.5, random_state=0)
    x_tr, x_te, y_tr, y_te = x[:1200], x[1200:], y[:1200, None], y[1200:, None]
    sx, sy = StandardScaler().fit(x_tr), StandardScaler().fit(y_tr)
    as_t = lambda a: torch.tensor(a, dtype=torch.float32)
    return as_t(sx.transform(x_tr)), as_t(sx.transform(x_te)), as_t(sy.transform(y_tr)), as_t(sy.transform(y_te))


def train_epoch(model, optimizer, x, y, batch_size=60):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(batch_size):
        loss = F.mse_loss(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    return total / len(x)


def r2_score(model, x, y):
    model.eval()
    with torch.no_grad():
        pred = model(x)
    return 1 - ((pred - y) ** 2).sum().item() / ((y - y.mean()) ** 2).sum().item()


if __name__ == "__main__":
    torch.manual_seed(4)
    x_tr, x_te, y_tr, y_te = load()
    model = Regressor(x_tr.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(40):
        loss = train_epoch(model, optimizer, x_tr, y_tr)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:3d} train mse {loss:.4f} test R2 {r2_score(model, x_te, y_te):.4f}")
