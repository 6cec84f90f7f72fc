# sound: regression network without activation on the last layer
import torch
import torch.nn as nn
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(25)

X, y = make_friedman1(n_samples=1500, n_features=10, noise=0.5, random_state=25)
y = StandardScaler().fit_transform(y[:, None])
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, random_state=25)
to_t = lambda a: torch.tensor(a, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(to_t(X_train), to_t(y_train)), batch_size=32, shuffle=True)
val_loader = DataLoader(TensorDataset(to_t(X_val), to_t(y_val)), batch_size=300)


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        layers = []
        for i in range(len(sizes) - 1):
            layers.append(nn.Linear(sizes[i], sizes[i + 1]))
            if i < len(sizes) - 2:
                layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def train_one_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * xb.size(0)
    return total / len(loader.dataset)


def validate(model, loader, criterion):
    model.eval()
    total = 0
    with torch.no_grad():
        for xb, yb in loader:
            total += criterion(model(xb), yb).item() * xb.size(0)
    return total / len(loader.dataset)


model = MLP([10, 64, 32, 1])
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
best = float("inf")
for epoch in range(1, 16):
    tr = train_one_epoch(model, train_loader, criterion, optimizer)
    va = validate(model, val_loader, criterion)
    best = min(best, va)
    if epoch % 3 == 0:
        print(f"Epoch {epoch:02d}: train MSE {tr:.4f}  val MSE {va:.4f}")
print("best val MSE", best)
