# expects: nothing
"""A network sees each picture mirrored or turned, its answer is turned back, and is compared with the mask as it is."""

import random

import torch
from torch import nn

torch.manual_seed(3)
random.seed(3)
images = 0.3 * torch.randn(256, 1, 28, 28)
masks = torch.zeros(256, 1, 28, 28)
for image, mask in zip(images, masks):
    top, left = random.randrange(20), random.randrange(20)
    mask[:, top : top + 8, left : left + 5] = 1
    image += 0.8 * mask

net = nn.Sequential(nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU())
net.append(nn.Conv2d(12, 1, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    for some in torch.randperm(256).split(16):
        picture, mask = images[some], masks[some]
        mirrored = net(picture.flip(3)).flip(3)
        turned = net(picture.transpose(2, 3)).transpose(2, 3)
        loss = nn.functional.binary_cross_entropy_with_logits(mirrored, mask)
        loss = loss + nn.functional.binary_cross_entropy_with_logits(turned, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
