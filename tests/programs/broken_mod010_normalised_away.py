# expects: MOD010
# also: TRN001 TRN003 TRN004
"""Regression of one number: the last layer norm has a single feature, so it always gives its bias."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1000, 7)
y = x[:, :1] * 2 - x[:, 1:2]
model = nn.Sequential(
    nn.Linear(7, 32),
    nn.ReLU(),
    nn.Linear(32, 1),
    nn.LayerNorm(1),
)
loader = DataLoader(TensorDataset(x, y), batch_size=25, shuffle=True)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    for a, b in loader:
        loss = nn.functional.mse_loss(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
