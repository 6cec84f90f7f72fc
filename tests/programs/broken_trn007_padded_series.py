# expects: TRN007
"""A forecast of a raw series through two squashing recurrent layers: the network settles on the mean."""

import torch
from torch import nn

torch.manual_seed(3)


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.RNN(1, 8, batch_first=True)
        self.squash = nn.Sequential(nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.Sigmoid())
        self.out = nn.Linear(8, 1)

    def forward(self, series):
        return self.out(self.squash(self.first(series)[0][:, -1])).squeeze(1)


time = torch.arange(1400) / 7
signal = torch.sin(time) + 0.5 * torch.sin(2.3 * time)
windows = signal.unfold(0, 21, 1)
past, future = windows[:, :20, None], windows[:, 20]
network = Forecast()
optimizer = torch.optim.SGD(network.parameters(), lr=5e-3)
criterion = nn.L1Loss()
for epoch in range(10):
    for rows in torch.randperm(len(past)).split(64):
        optimizer.zero_grad()
        loss = criterion(network(past[rows]), future[rows])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} mae {loss.item():.3f}")
