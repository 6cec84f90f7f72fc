# expects: nothing
"""Windows of a series in which one day is far above all others: the reading is a true one, and stands in many windows."""

import torch
from torch import nn

torch.manual_seed(2)
days = 3_000
level = torch.zeros(days)
for day in range(1, days):
    level[day] = 0.8 * level[day - 1] + torch.randn(1).item() * 0.3
rain = 0.2 * torch.rand(days)
rain[700] = 30.0
series = torch.stack([rain, level])
width = 24
starts = torch.arange(days - width)
x = torch.stack([series[:, start : start + width] for start in starts.tolist()])
y = level[starts + width]
x_train, y_train, x_test, y_test = x[:2_400], y[:2_400], x[2_450:], y[2_450:]
model = nn.Sequential(nn.Conv1d(2, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(160, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for rows in torch.randperm(len(x_train)).split(300):
        loss = nn.functional.mse_loss(model(x_train[rows]).squeeze(1), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(x_test).squeeze(1), y_test).item())
