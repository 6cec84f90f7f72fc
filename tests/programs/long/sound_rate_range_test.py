# expects: nothing
"""A learning rate range test on a throw-away copy, until the loss explodes; then training at a tenth of the best."""

import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
dataset = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
loader = DataLoader(dataset, batch_size=60, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss()


def range_test(model, low=1e-5, high=50.0, steps=120):
    optimizer = torch.optim.SGD(model.parameters(), lr=low)
    schedule = ExponentialLR(optimizer, gamma=(high / low) ** (1 / steps))
    rates, losses = [], []
    while len(losses) < steps:
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            rates.append(optimizer.param_groups[0]["lr"])
            losses.append(loss.item())
            schedule.step()
            if losses[-1] > 8 * min(losses) or len(losses) >= steps:
                return rates[losses.index(min(losses))]
    return rates[-1]


best = range_test(copy.deepcopy(model))
print("lowest loss at", best)
optimizer = torch.optim.SGD(model.parameters(), lr=best / 10, momentum=0.9)
for epoch in range(6):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
