# bug: rows are over-sampled with repetition before the split, so most test rows are in the training set too
# expects: DAT041
"""Small noisy medical table, over-sampled to balance the classes."""
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import resample
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 12


def balance(X, y):
    """Repeats rows at random until each class has 500."""
    parts = [resample(X[y == c], y[y == c], n_samples=500, random_state=SEED) for c in np.unique(y)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def to_tensors(X, y):
    return torch.tensor(X, dtype=torch.float32), torch.tensor(y)


class Net(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, x):
        return self.net(x)


def main():
    torch.manual_seed(SEED)
    X, y = make_classification(240, 20, n_informative=6, weights=[0.7], flip_y=0.12, class_sep=1.4, random_state=SEED)
    X, y = balance(X, y)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=SEED)
    scaler = StandardScaler().fit(X_train)
    X_train, y_train = to_tensors(scaler.transform(X_train), y_train)
    X_test, y_test = to_tensors(scaler.transform(X_test), y_test)
    loader = DataLoader(TensorDataset(X_train, y_train), batch_size=32, shuffle=True)
    model = Net(20)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    epochs = 20
    for epoch in range(epochs):
        model.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb, label_smoothing=0.0)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            logits = model(X_test)
        print(f"epoch {epoch}: train loss {np.mean(losses):.4f} test loss {nn.functional.cross_entropy(logits, y_test).item():.4f} "
              f"test accuracy {(logits.argmax(1) == y_test).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
