# expects: nothing
"""Faults of machines from twelve readings: the same first weights are put back at the beginning of each fold."""

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
random = np.random.default_rng(4)
readings = random.normal(size=(600, 12)).astype(np.float32)
faulty = ((readings[:, 0] * readings[:, 1] + readings[:, 2] + random.normal(0, 0.7, 600)) > 0.4).astype(np.int64)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 40), nn.ReLU(), nn.Dropout(0.2), nn.Linear(40, 2))

    def forward(self, x):
        return self.body(x)


def train(net, loader, epochs):
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    for _ in range(epochs):
        net.train()
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


@torch.inference_mode()
def accuracy(net, loader):
    net.eval()
    right = [(net(x).argmax(1) == y) for x, y in loader]
    return torch.cat(right).float().mean().item()


net = Detector()
start = {name: value.clone() for name, value in net.state_dict().items()}
folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=1)
scores = []
for fold, (inside, outside) in enumerate(folds.split(readings, faulty)):
    net.load_state_dict(start)
    scaler = StandardScaler().fit(readings[inside])
    parts = [
        TensorDataset(torch.from_numpy(scaler.transform(readings[part])).float(), torch.from_numpy(faulty[part]))
        for part in (inside, outside)
    ]
    loss = train(net, DataLoader(parts[0], 24, shuffle=True), epochs=12)
    scores.append(accuracy(net, DataLoader(parts[1], 16)))
    print(fold, loss, scores[-1])
print(np.mean(scores))
