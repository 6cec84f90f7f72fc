# expects: OPT030
"""Strong decoupled decay on everything, batch norm included."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(29)
images = torch.randn(960, 3, 8, 8)
kinds = (images[:, 0].mean((1, 2)) > 0).long()
net = nn.Sequential(
    nn.Conv2d(3, 12, 3, padding=1),
    nn.BatchNorm2d(12),
    nn.ReLU(),
    nn.Conv2d(12, 12, 3),
    nn.BatchNorm2d(12),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(12, 2),
)
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=0.9)
for epoch in range(14):
    for rows in torch.randperm(960).split(32):
        loss = F.cross_entropy(net(images[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
