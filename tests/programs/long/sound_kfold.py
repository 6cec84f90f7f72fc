# expects: nothing
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features, labels = load_breast_cancer(return_X_y=True)
scores = []
for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(features, labels):
    scaler = StandardScaler().fit(features[train])
    x_train = torch.tensor(scaler.transform(features[train]), dtype=torch.float32)
    x_test = torch.tensor(scaler.transform(features[test]), dtype=torch.float32)
    y_train = torch.tensor(labels[train], dtype=torch.float32)[:, None]
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.BCEWithLogitsLoss()
    model.train()
    for epoch in range(10):
        for x, y in DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        scores.append(float(((model(x_test)[:, 0] > 0).numpy() == labels[test]).mean()))
print(np.mean(scores))
