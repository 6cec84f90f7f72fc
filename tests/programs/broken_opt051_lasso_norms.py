# expects: OPT051
"""A penalty on the norm of each layer is added up over the layers of a classifier, with SGD and no scale to compare to."""

import torch

torch.manual_seed(21)
SIZES = (24, 64, 64, 7)
points = torch.randn(2100, SIZES[0])
labels = (points @ torch.randn(SIZES[0], SIZES[-1])).argmax(1)

weights = [torch.nn.Parameter(torch.randn(n, m) * (2 / m) ** 0.5) for m, n in zip(SIZES[:-1], SIZES[1:])]
biases = [torch.nn.Parameter(torch.zeros(n)) for n in SIZES[1:]]
sgd = torch.optim.SGD([*weights, *biases], lr=0.02, momentum=0.9)


def scores(x):
    for w, b in zip(weights[:-1], biases[:-1]):
        x = torch.relu(x @ w.T + b)
    return x @ weights[-1].T + biases[-1]


for epoch in range(10):
    total = 0.0
    for rows in torch.randperm(len(points)).split(60):
        loss = torch.nn.functional.cross_entropy(scores(points[rows]), labels[rows])
        penalty = sum(w.norm() for w in weights)
        sgd.zero_grad()
        (loss + 0.6 * penalty).backward()
        sgd.step()
        total += loss.item() * len(rows)
    print(epoch, round(total / len(points), 3))
