# bug: validation runs in train mode, with dropout active and batch norm taking statistics from the test data
# expects: MOD007
# Kaggle-style tabular baseline
import gc
import time

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


def seed_everything(seed=42):
    np.random.seed(seed)
    torch.manual_seed(seed)


seed_everything()
X, y = make_classification(2400, 24, n_informative=14, n_redundant=4, n_classes=4, class_sep=1.3, random_state=42)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=42, stratify=y)
ss = StandardScaler().fit(X_train)
train_ds = TensorDataset(torch.tensor(ss.transform(X_train), dtype=torch.float), torch.tensor(y_train))
valid_ds = TensorDataset(torch.tensor(ss.transform(X_valid), dtype=torch.float), torch.tensor(y_valid))
train_dl = DataLoader(train_ds, batch_size=64, shuffle=True, drop_last=True)
valid_dl = DataLoader(valid_ds, batch_size=32, shuffle=False)


class TabularModel(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.bn0 = nn.BatchNorm1d(n_features)
        self.fc1 = nn.Linear(n_features, 128)
        self.bn1 = nn.BatchNorm1d(128)
        self.drop = nn.Dropout(0.4)
        self.fc2 = nn.Linear(128, 64)
        self.bn2 = nn.BatchNorm1d(64)
        self.out = nn.Linear(64, n_classes)

    def forward(self, x):
        x = self.bn0(x)
        x = self.drop(torch.relu(self.bn1(self.fc1(x))))
        x = self.drop(torch.relu(self.bn2(self.fc2(x))))
        return self.out(x)


model = TabularModel(X.shape[1], 4)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)

for epoch in range(12):
    start = time.time()
    model.train()
    avg_loss = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        avg_loss += loss.item() / len(train_dl)

    preds = []
    with torch.no_grad():
        for xb, _ in valid_dl:
            preds.append(torch.softmax(model(xb), dim=1).numpy())
    preds = np.concatenate(preds)
    print(f"Epoch {epoch + 1}/12 \t loss={avg_loss:.4f} \t val_loss={log_loss(y_valid, preds):.4f} "
          f"\t acc={accuracy_score(y_valid, preds.argmax(1)):.4f} \t time={time.time() - start:.2f}s")
gc.collect()
