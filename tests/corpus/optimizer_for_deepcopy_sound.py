# sound: weight-averaged (SWA) training with SGD, optimizer made for the trained model
"""Hyper-parameter search over widths, with stochastic weight averaging at the end."""
import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.swa_utils import AveragedModel


def mlp(width):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))


def score(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def train(base, x, y, xv, yv, lr, epochs=8):
    model = copy.deepcopy(base)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
    average = AveragedModel(model)
    for epoch in range(epochs):
        for idx in torch.randperm(len(x)).split(50):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            model.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch >= epochs // 2:
            average.update_parameters(model)
    return loss.item(), score(model, xv, yv), score(average, xv, yv)


def main():
    d = load_digits()
    x, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
    x, y, xv, yv = x[:1300], y[:1300], x[1300:], y[1300:]
    results = {}
    for width in (16, 32, 64):
        torch.manual_seed(width)
        base = mlp(width)
        loss, plain, averaged = train(base, x, y, xv, yv, lr=0.05)
        results[width] = max(plain, averaged)
        print(f"width {width}: loss {loss:.4f} accuracy {plain:.3f} averaged {averaged:.3f}")
    best = max(results, key=results.get)
    print("best width", best, "accuracy", round(results[best], 3))


if __name__ == "__main__":
    main()
