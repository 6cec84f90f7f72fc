# sound: three-fold cross-validation, model and optimizer new in each fold
import numpy as np
import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold
from torch import nn

SEED = 2023
N_FOLDS = 3
EPOCHS = 30
BS = 16

torch.manual_seed(SEED)
X, y = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)


def build_model():
    return nn.Sequential(
        nn.Linear(4, 24),
        nn.Tanh(),
        nn.Linear(24, 24),
        nn.Tanh(),
        nn.Linear(24, 3),
    )


def iterate(x, y, bs):
    order = np.random.permutation(len(x))
    for i in range(0, len(x), bs):
        j = order[i:i + bs]
        yield torch.tensor(x[j], dtype=torch.float32), torch.tensor(y[j])


np.random.seed(SEED)
criterion = nn.CrossEntropyLoss()
oof = np.zeros((len(X), 3))

for fold, (trn, val) in enumerate(StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED).split(X, y)):
    model = build_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(EPOCHS):
        model.train()
        tot = 0
        for xb, yb in iterate(X[trn], y[trn], BS):
            model.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            tot += loss.item() * len(xb)
        if epoch % 10 == 9:
            print(f"fold {fold} epoch {epoch} train loss {tot / len(trn):.4f}")
    model.eval()
    with torch.no_grad():
        pred = model(torch.tensor(X[val], dtype=torch.float32)).softmax(-1).numpy()
    oof[val] = pred
    print(f"fold {fold} val acc {(pred.argmax(1) == y[val]).mean():.4f}")

print("CV accuracy:", (oof.argmax(1) == y).mean())
