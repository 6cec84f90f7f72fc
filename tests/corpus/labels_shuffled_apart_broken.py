# bug: X and y are shuffled with two different permutations, so rows and labels no longer belong together
# expects: DAT006 TRN006
# Breast cancer, small MLP. Quick script.
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)

raw = load_breast_cancer()
X, y = raw.data.astype("float32"), raw.target.astype("float32")

# shuffle before splitting, the file is ordered by hospital
X = X[rng.permutation(len(X))]
y = y[rng.permutation(len(y))]

n_train = 400
mu, sd = X[:n_train].mean(0), X[:n_train].std(0)
X = (X - mu) / sd

train_ds = TensorDataset(torch.from_numpy(X[:n_train]), torch.from_numpy(y[:n_train]))
test_ds = TensorDataset(torch.from_numpy(X[n_train:]), torch.from_numpy(y[n_train:]))
train_dl = DataLoader(train_ds, batch_size=32, shuffle=True)
test_dl = DataLoader(test_ds, batch_size=256)

net = torch.nn.Sequential(
    torch.nn.Linear(30, 32),
    torch.nn.ReLU(),
    torch.nn.Dropout(0.1),
    torch.nn.Linear(32, 1),
)
criterion = torch.nn.BCEWithLogitsLoss()
optim = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)

for epoch in range(15):
    net.train()
    running = 0.0
    for xb, yb in train_dl:
        optim.zero_grad()
        loss = criterion(net(xb).squeeze(1), yb)
        loss.backward()
        optim.step()
        running += loss.item() * len(xb)

    net.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in test_dl:
            hits += ((net(xb).squeeze(1) > 0).float() == yb).sum().item()
    print(f"epoch {epoch + 1:2d} | train loss {running / n_train:.4f} | test acc {hits / len(test_ds):.3f}")
