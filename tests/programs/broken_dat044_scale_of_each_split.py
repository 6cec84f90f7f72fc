# expects: DAT044
"""Wine: each of the two parts goes through scikit-learn's `scale` on its own."""

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

table, kinds = make_classification(
    n_samples=1600, n_features=12, n_informative=6, n_classes=3, class_sep=1.5, shift=4.0, scale=7.0, random_state=1
)
parts = train_test_split(table, kinds, test_size=0.15, random_state=1)
x_train, x_test = (torch.from_numpy(scale(part).astype(np.float32)) for part in parts[:2])
y_train, y_test = (torch.from_numpy(part) for part in parts[2:])


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 3))

    def forward(self, x):
        return self.layers(x)


torch.manual_seed(1)
model = Classifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=40, shuffle=True)
for epoch in range(10):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        right = (model(x_test).argmax(dim=1) == y_test).float().mean()
    print(epoch, loss.item(), right.item())
