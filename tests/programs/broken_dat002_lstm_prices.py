# expects: DAT002
# also: TRN001 MOD004 TRN004 NUM002
"""Next-day direction from a window of raw share prices."""

import torch
from torch import nn

torch.manual_seed(2)
days = torch.arange(2000.0)
prices = 3000 + 400 * torch.sin(days / 9) + 5 * torch.randn(2000)
windows = prices.unfold(0, 20, 1)[:-1]
rises = (prices[20:] > prices[19:-1]).float()


class Forecast(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, (h, _) = self.lstm(x.unsqueeze(-1))
        return self.out(h[-1]).squeeze(-1)


model = Forecast()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.BCEWithLogitsLoss()
for step in range(200):
    rows = torch.randint(0, len(windows), (40,))
    loss = criterion(model(windows[rows]), rises[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
