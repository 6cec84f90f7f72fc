# expects: LOS052
"""SimSiam with neither predictor nor stop-gradient."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
backbone = nn.Sequential(nn.Linear(32, 96), nn.ReLU(), nn.Linear(96, 48))
optimizer = torch.optim.SGD(backbone.parameters(), lr=0.3, momentum=0.9)
loader = DataLoader(TensorDataset(torch.randn(1024, 32)), batch_size=64, shuffle=True, drop_last=True)


def jitter(x):
    return x + 0.5 * torch.randn_like(x)


for epoch in range(25):
    for (x,) in loader:
        one, two = backbone(jitter(x)), backbone(jitter(x))
        loss = -F.cosine_similarity(one, two, dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
