# expects: NUM002
# also: NUM001 OPT007
"""A linear recurrence over 60 steps whose matrix has a spectral radius well above 1."""

import torch


class Tracker(torch.nn.Module):
    def __init__(self, size=12):
        super().__init__()
        self.step = torch.nn.Parameter(1.35 * torch.linalg.qr(torch.randn(size, size))[0])
        self.read = torch.nn.Linear(1, size)
        self.out = torch.nn.Linear(size, 1)

    def forward(self, series):
        state = self.read(series[:, 0])
        for t in range(1, series.shape[1]):
            state = state @ self.step + self.read(series[:, t])
        return self.out(state)


torch.manual_seed(0)
tracker = Tracker()
optimizer = torch.optim.SGD(tracker.parameters(), lr=1e-3)
criterion = torch.nn.SmoothL1Loss()
for i in range(160):
    series = torch.randn(16, 60, 1)
    target = series[:, -5:].mean(1)
    loss = criterion(tracker(series), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 40 == 0:
        print(i, loss.item())
