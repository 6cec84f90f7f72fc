# expects: nothing
"""All pairs are meant: distances of a batch from squares and products, a ranking of all pairs by differences, and a
table of all pairs of two towers with a target for each pair."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 6)
y = (x[:, :3] ** 2).sum(1).sqrt()
place = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
score = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
left, right = nn.Linear(6, 1), nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
models = nn.ModuleList([place, score, left, right])
optimizer = torch.optim.Adam(models.parameters(), lr=3e-3)
for step in range(300):
    rows = torch.randint(0, 400, (32,))
    batch, value = x[rows], y[rows]
    z = place(batch)
    square = (z**2).sum(1, keepdim=True) + (z**2).sum(1) - 2 * z @ z.T
    wanted = torch.cdist(batch[:, :2], batch[:, :2]) ** 2
    distances = ((square - wanted) ** 2).mean() / 16

    s = score(batch)
    gap = s - s.view(-1)
    ranking = (gap - (value.view(-1, 1) - value)).pow(2).mean()

    table = left(batch) + right(batch).squeeze(1)
    sums = batch.sum(1, keepdim=True) + torch.tanh(batch[:, 0])
    both = nn.functional.mse_loss(table, sums)
    closeness = torch.exp(-torch.cdist(batch, batch) / 4)
    likeness = ((left(batch) + right(batch).flatten() - closeness) ** 2).mean()

    loss = distances + ranking + both + likeness
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(step, distances.item(), ranking.item(), both.item())
