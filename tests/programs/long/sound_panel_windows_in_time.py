# expects: nothing
"""Sixteen rivers, windows of sixteen days, time first as `nn.LSTM` wants it: windows overlap, so moments come again."""

import torch
from torch import nn

torch.manual_seed(12)
DAYS, RIVERS = 600, 16
shock = torch.randn(DAYS, RIVERS)
level = torch.zeros(DAYS, RIVERS)
for day in range(1, DAYS):
    level[day] = 0.9 * level[day - 1] + 0.4 * shock[day]


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=32)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        states, _ = self.lstm(x.unsqueeze(2))
        return self.head(states[-1]).squeeze(1)


model = Forecast()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(500):
    start = int(torch.randint(0, DAYS - 17, ()))
    loss = nn.functional.mse_loss(model(level[start : start + 16]), level[start + 16])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
