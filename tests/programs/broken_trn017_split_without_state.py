# expects: TRN017
"""Wines by their chemistry; torch is seeded, and the division into two parts is another one at each start."""

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def load():
    features, kinds = load_wine(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(features, kinds, test_size=0.3, stratify=kinds)
    scaler = StandardScaler().fit(x_train)
    parts = scaler.transform(x_train), y_train, scaler.transform(x_test), y_test
    return [torch.tensor(part, dtype=torch.float32 if part.ndim == 2 else torch.long) for part in parts]


def main(seed=3):
    torch.manual_seed(seed)
    x_train, y_train, x_test, y_test = load()
    model = nn.Sequential(nn.Linear(13, 24), nn.Tanh(), nn.Dropout(0.1), nn.Linear(24, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(20):
        model.train()
        for rows in torch.randperm(len(x_train)).split(16):
            loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch:2d} loss {loss.item():.3f} held out {right:.3f}")


if __name__ == "__main__":
    main()
