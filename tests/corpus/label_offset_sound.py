from dataclasses import dataclass
from typing import Callable

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedShuffleSplit


@dataclass
class Split:
    x: torch.Tensor
    y: torch.Tensor


NAMES = ["barolo", "grignolino", "barbera"]


def load() -> tuple[Split, Split]:
    wine = load_wine()
    x = torch.tensor(wine.data, dtype=torch.float32)
    # the csv of the winery numbers its cultivars from 1
    y = torch.tensor(wine.target) + 1
    y = y - 1
    a, b = next(StratifiedShuffleSplit(1, test_size=58, random_state=4).split(x, y))
    mean, std = x[a].mean(0), x[a].std(0)
    x = (x - mean) / std
    return Split(x[a], y[a]), Split(x[b], y[b])


def mlp(n_in: int, n_out: int) -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Linear(n_in, 20), torch.nn.ELU(), torch.nn.Linear(20, n_out)
    )


def epochs(model: torch.nn.Module, data: Split, n: int, lr: float, report: Callable[[int, float], None]) -> None:
    opt = torch.optim.Adagrad(model.parameters(), lr=lr)
    for k in range(n):
        total = 0.0
        for rows in torch.randperm(len(data.x)).split(12):
            loss = torch.nn.functional.cross_entropy(model(data.x[rows]), data.y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(rows)
        report(k, total / len(data.x))


def name_accuracy(model: torch.nn.Module, data: Split, truth: list[str]) -> float:
    """The service looks the class up in NAMES."""
    model.eval()
    with torch.no_grad():
        guess = model(data.x).argmax(1).tolist()
    said = [NAMES[min(i, len(NAMES) - 1)] for i in guess]
    return sum(a == b for a, b in zip(said, truth)) / len(truth)


torch.manual_seed(4)
train, test = load()
truth = [NAMES[i] for i in test.y.tolist()]
net = mlp(13, len(NAMES))
epochs(net, train, 20, 0.05, lambda k, l: print(f"epoch {k:2d} loss {l:.4f}") if k % 5 == 4 else None)
print("accuracy of the served names", round(name_accuracy(net, test, truth), 3))
