# sound: the rows are shuffled before they are split
"""Wine or not: train a logistic-regression-like network on two cultivars."""
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

torch.manual_seed(4)
X, y = load_breast_cancer(return_X_y=True)
# the table is kept ordered by diagnosis, benign rows first
order = (-y).argsort(kind="stable")
X, y = X[order], y[order]
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)

perm = torch.randperm(len(X))
X, y = X[perm], y[perm]
N_TRAIN = 400
x_train, y_train = X[:N_TRAIN], y[:N_TRAIN]
x_test, y_test = X[N_TRAIN:], y[N_TRAIN:]


class Classifier(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.linear1 = nn.Linear(n_features, 16)
        self.act = nn.ReLU()
        self.linear2 = nn.Linear(16, 1)

    def forward(self, x):
        return self.linear2(self.act(self.linear1(x))).squeeze(1)


clf = Classifier(X.shape[1])
loss_fn = nn.BCEWithLogitsLoss()
opt = torch.optim.SGD(clf.parameters(), lr=0.05)

for epoch in range(20):
    perm = torch.randperm(N_TRAIN)
    total = 0.0
    for i in range(0, N_TRAIN, 25):
        b = perm[i:i + 25]
        opt.zero_grad()
        loss = loss_fn(clf(x_train[b]), y_train[b])
        loss.backward()
        opt.step()
        total += loss.item()
    train_acc = ((clf(x_train) > 0) == y_train.bool()).float().mean().item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: loss {total / (N_TRAIN / 25):.4f} train acc {train_acc:.3f}")

with torch.no_grad():
    acc = ((clf(x_test) > 0) == y_test.bool()).float().mean().item()
print(f"test accuracy {acc:.3f}")
