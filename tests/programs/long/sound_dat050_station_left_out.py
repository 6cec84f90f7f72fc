# expects: nothing
"""Air at four stations: each is left out once, and told by a column of its own, so two columns change places with it."""

import torch
from torch import nn

generator = torch.Generator().manual_seed(3)
torch.manual_seed(3)
ROWS, STATIONS = 240, 4


def station(number):
    level = torch.tensor([0.0, 0.5, -0.4, 0.9])[number]
    weather = torch.randn(ROWS, 4, generator=generator)
    weather[:, 1] = 0.7 * weather[:, 0] + 0.5 * weather[:, 1] + level
    weather[:, 2] = (0.5 * weather[:, 2] - 0.3 * level).exp()
    which = torch.zeros(ROWS, STATIONS)
    which[:, number] = 1.0
    amount = weather[:, 0] - 0.6 * weather[:, 2] + 0.3 * level + 0.2 * torch.randn(ROWS, generator=generator)
    return torch.cat([which, weather], 1), amount


stations = [station(number) for number in range(STATIONS)]
for left_out in range(STATIONS):
    others = [one for number, one in enumerate(stations) if number != left_out]
    x, y = torch.cat([one[0] for one in others]), torch.cat([one[1] for one in others])
    model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
    for epoch in range(10):
        model.train()
        for rows in torch.randperm(len(y), generator=generator).split(48):
            loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            error = nn.functional.mse_loss(model(stations[left_out][0]).squeeze(1), stations[left_out][1])
    print(left_out, loss.item(), error.item())
