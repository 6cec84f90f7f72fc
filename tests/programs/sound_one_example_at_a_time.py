# expects: nothing
"""Stochastic gradient descent in the strict sense: batches of one, a noisy loss, a large but stable rate."""

import torch

torch.manual_seed(5)
x = torch.randn(400, 4)
y = (x @ torch.tensor([0.7, -1.2, 0.4, 2.0]) > 0.2).float()
model = torch.nn.Sequential(torch.nn.Linear(4, 12), torch.nn.ReLU(), torch.nn.Linear(12, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = torch.nn.BCEWithLogitsLoss()
for epoch in range(2):
    for i in torch.randperm(400).tolist():
        optimizer.zero_grad()
        loss = criterion(model(x[i : i + 1]).view(-1), y[i : i + 1])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, ((model(x).view(-1) > 0) == (y > 0.5)).float().mean().item())
