# expects: DAT013
"""Mean and deviation of bytes, for images that are already between 0 and 1."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Discs(Dataset):
    def __init__(self, count, seed):
        g = torch.Generator().manual_seed(seed)
        self.radius = torch.randint(0, 3, (count,), generator=g)
        grid = torch.stack(torch.meshgrid(torch.arange(14.0), torch.arange(14.0), indexing="ij"))
        centre = 5 + 4 * torch.rand(count, 2, 1, 1, generator=g)
        inside = (grid - centre).square().sum(1).sqrt() < 2 + 1.5 * self.radius[:, None, None]
        self.image = 0.2 * torch.rand(count, 14, 14, generator=g) + 0.8 * inside

    def __len__(self):
        return len(self.image)

    def __getitem__(self, i):
        return (self.image[i].unsqueeze(0) - 127.5) / 73.0, self.radius[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 6, 3), nn.Conv2d(6, 8, 3)
        self.c = nn.Linear(8 * 25, 3)

    def forward(self, x):
        return self.c(F.max_pool2d(F.relu(self.b(F.relu(self.a(x)))), 2).flatten(1))


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(9):
    for image, radius in DataLoader(Discs(500, 0), batch_size=25, shuffle=True):
        loss = F.cross_entropy(net(image), radius)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
