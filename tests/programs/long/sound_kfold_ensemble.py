# expects: nothing
"""Five folds, each with its own model, optimizer and schedule; the models are kept and averaged."""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import KFold
from torch import nn

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)


def make():
    return nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())


members, scores = [], []
for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=1).split(X)):
    tx = torch.tensor(X[train], dtype=torch.float32)
    ty = torch.tensor(y[train], dtype=torch.float32)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
    for _ in range(10):
        for rows in torch.randperm(len(tx)).split(64):
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy(model(tx[rows]).squeeze(1), ty[rows])
            loss.backward()
            optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        guess = model(torch.tensor(X[test], dtype=torch.float32)).squeeze(1).numpy() > 0.5
    scores.append(float(np.mean(guess == y[test])))
    members.append(model)
    print("fold", fold, round(scores[-1], 3))
print("mean", np.mean(scores))
