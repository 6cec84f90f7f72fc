# expects: nothing
"""One decoder gives back what was read, the other translates it; the second error is written by hand."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TwoDecoders(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 12))
        self.same, self.other = nn.Linear(12, 32), nn.Linear(12, 32)

    def forward(self, rows):
        code = self.encode(rows)
        return self.same(code), self.other(code)


torch.manual_seed(0)
read = torch.randn(2000, 8) @ torch.randn(8, 32)
translated = torch.tanh(read.roll(3, 1))
model = TwoDecoders()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for rows, wanted in DataLoader(TensorDataset(read, translated), batch_size=50, shuffle=True):
        again, other = model(rows)
        loss = nn.functional.mse_loss(again, rows) + (other - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
