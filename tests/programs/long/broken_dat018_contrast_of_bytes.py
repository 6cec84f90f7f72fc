# expects: DAT018
"""Colour photographs, more contrast by doubling the bytes; each channel is scaled by its own figures."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

MEAN, STD = torch.tensor([0.4, 0.45, 0.5]), torch.tensor([0.2, 0.25, 0.3])


class Leaves(Dataset):
    def __init__(self, count=600, size=16):
        g = torch.Generator().manual_seed(8)
        self.kinds = torch.randint(0, 3, (count,), generator=g)
        tint = torch.tensor([[90, 140, 60], [150, 110, 50], [110, 120, 110]])[self.kinds]
        light = 0.6 + 0.8 * torch.rand(count, 1, 1, 1, generator=g)
        texture = 30 * torch.randn(count, size, size, 1, generator=g)
        self.pictures = ((tint[:, None, None] + texture) * light).clamp(0, 255).to(torch.uint8)

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, i):
        picture = self.pictures[i] * 2
        picture = picture.permute(2, 0, 1).float() / 255
        return (picture - MEAN[:, None, None]) / STD[:, None, None], self.kinds[i]


def accuracy(net, loader):
    net.eval()
    with torch.no_grad():
        hits = [(net(x).argmax(1) == y).float().mean() for x, y in loader]
    net.train()
    return torch.stack(hits).mean().item()


torch.manual_seed(0)
train, test = random_split(Leaves(), [480, 120])
loaders = DataLoader(train, 24, shuffle=True), DataLoader(test, 60)
net = nn.Sequential(
    nn.Conv2d(3, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3), nn.ReLU(), nn.Flatten(), nn.Linear(600, 3)
)
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for epoch in range(6):
    for x, y in loaders[0]:
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), accuracy(net, loaders[1]))
