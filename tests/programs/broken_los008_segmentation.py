# expects: LOS008
"""A mask of one channel, trained with `CrossEntropyLoss` on masks of the same shape."""

import torch
from torch import nn

torch.manual_seed(0)
images = torch.rand(200, 1, 12, 12)
masks = (nn.functional.avg_pool2d(images, 3, 1, 1) > 0.5).float()
net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(16):
    for rows in torch.randperm(200).split(20):
        out = net(images[rows])
        loss = loss_fn(out, masks[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
