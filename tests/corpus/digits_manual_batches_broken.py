# bug: each epoch shuffles the training inputs with a fresh permutation but leaves the labels in their old order, so pairs no longer match
# expects: DAT006
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(0)

X, y = load_digits(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X / 16.0, y, test_size=0.25, random_state=0, stratify=y)
X_tr = torch.tensor(X_tr, dtype=torch.float32)
X_te = torch.tensor(X_te, dtype=torch.float32)
y_tr = torch.tensor(y_tr)
y_te = torch.tensor(y_te)

model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
batch_size = 64

for epoch in range(15):
    model.train()
    perm = torch.randperm(len(X_tr))
    X_epoch = X_tr[perm]
    y_epoch = y_tr
    total = 0.0
    for start in range(0, len(X_epoch), batch_size):
        xb = X_epoch[start:start + batch_size]
        yb = y_epoch[start:start + batch_size]
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        acc = (model(X_te).argmax(1) == y_te).float().mean().item()
    print(f"epoch {epoch:2d}  train loss {total / len(X_tr):.4f}  test acc {acc:.4f}")
