# bug: a big network is trained for 200 epochs on 40 noisy samples and over-fits them
# expects: TRN002
import copy

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(8)
np.random.seed(8)

X, y = load_diabetes(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=8)
X_train, y_train = X_train[:40], y_train[:40]
xs = StandardScaler().fit(X_train)
mean, std = y_train.mean(), y_train.std()


def tensors(a, b):
    return torch.tensor(xs.transform(a), dtype=torch.float32), torch.tensor((b - mean) / std, dtype=torch.float32)


X_train, y_train = tensors(X_train, y_train)
X_val, y_val = tensors(X_val, y_val)

model = nn.Sequential(
    nn.Linear(10, 256), nn.ReLU(),
    nn.Linear(256, 256), nn.ReLU(),
    nn.Linear(256, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
EPOCHS, BATCH = 200, 20
criterion = nn.MSELoss()

for epoch in range(EPOCHS):
    model.train()
    losses = []
    for idx in torch.randperm(len(X_train)).split(BATCH):
        optimizer.zero_grad()
        loss = criterion(model(X_train[idx]).squeeze(1), y_train[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(X_val).squeeze(1), y_val).item()
    if (epoch + 1) % 25 == 0:
        print(f"epoch {epoch + 1}: train {np.mean(losses):.4f} val {val_loss:.4f}")
print("done")
