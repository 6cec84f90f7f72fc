# sound: the same program without that
import random

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def seed_everything(s):
    random.seed(s)
    np.random.seed(s)
    torch.manual_seed(s)


seed_everything(42)
params = {"hidden": [24], "dropout": 0.2, "weight_decay": 5e-2, "lr": 1e-3, "epochs": 60, "batch_size": 32}

X, y = load_diabetes(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.35, random_state=42)
sx, sy = StandardScaler(), StandardScaler()
X_train, X_valid = sx.fit_transform(X_train), sx.transform(X_valid)
y_train = sy.fit_transform(y_train[:, None])
y_valid = sy.transform(y_valid[:, None])
X_train, X_valid, y_train, y_valid = (torch.tensor(a, dtype=torch.float32) for a in (X_train, X_valid, y_train, y_valid))

layers, width = [], X_train.shape[1]
for h in params["hidden"]:
    layers += [torch.nn.Linear(width, h), torch.nn.ReLU(), torch.nn.Dropout(params["dropout"])]
    width = h
model = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
opt = torch.optim.AdamW(model.parameters(), lr=params["lr"], weight_decay=params["weight_decay"])
mse = torch.nn.MSELoss()

history = {"train": [], "valid": []}
for epoch in range(params["epochs"]):
    model.train()
    perm = torch.randperm(len(X_train))
    losses = []
    for s in range(0, len(perm), params["batch_size"]):
        b = perm[s:s + params["batch_size"]]
        opt.zero_grad()
        loss = mse(model(X_train[b]), y_train[b])
        loss.backward()
        opt.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        v = mse(model(X_valid), y_valid).item()
    history["train"].append(np.mean(losses))
    history["valid"].append(v)
    if (epoch + 1) % 10 == 0:
        print(f"epoch {epoch + 1}: train mse {history['train'][-1]:.3f}  valid mse {v:.3f}")

r2 = 1 - history["valid"][-1] / y_valid.var(unbiased=False).item()
print(f"final valid R2 {r2:.3f}; best valid mse {min(history['valid']):.3f}")
