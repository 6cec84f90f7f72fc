# expects: nothing
"""Each example is seen twice, a little disturbed; one backward pass for each view."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(960, 14)
y = (x @ torch.randn(14, 5)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True)
model = nn.Sequential(nn.Linear(14, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(10):
    for a, b in loader:
        optimizer.zero_grad()
        for noise in (0.05, 0.1):
            nn.functional.cross_entropy(model(a + noise * torch.randn_like(a)), b).backward()
        optimizer.step()
