# expects: nothing
"""Images and masks are mirrored by one draw, then whole batches are turned in the loop, both at once."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Spots(Dataset):
    def __init__(self, count):
        g = torch.Generator().manual_seed(9)
        self.x = 0.3 * torch.randn(count, 1, 24, 24, generator=g)
        self.y = torch.zeros(count, 1, 24, 24)
        for image, mask in zip(self.x, self.y):
            top, left = torch.randint(0, 17, (2,), generator=g).tolist()
            mask[:, top : top + 7, left : left + 5] = 1
            image += mask

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        image, mask = self.x[i], self.y[i]
        if random.random() < 0.5:
            image, mask = image.flip(2), mask.flip(2)
        if random.random() < 0.5:
            image, mask = image.flip(1), mask.flip(1)
        return image, mask


random.seed(2)
torch.manual_seed(2)
loader = DataLoader(Spots(160), batch_size=16, shuffle=True)
net = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 1, 5, padding=2))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(10):
    for image, mask in loader:
        turns = random.randrange(4)
        image, mask = torch.rot90(image, turns, (2, 3)), torch.rot90(mask, turns, (2, 3))
        loss = nn.functional.binary_cross_entropy_with_logits(net(image), mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
