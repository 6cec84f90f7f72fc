# expects: nothing
"""Two views of each image, each mirrored by its own draw, are to have one representation."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class TwoViews(Dataset):
    def __init__(self, count):
        g = torch.Generator().manual_seed(0)
        waves = torch.linspace(0, 6.28, 24)
        phase = 6.28 * torch.rand(count, 3, 1, 1, generator=g)
        speed = 1 + 3 * torch.rand(count, 3, 2, 1, generator=g)
        self.x = torch.sin(phase + speed[:, :, :1] * waves[None, None, :, None] + speed[:, :, 1:] * waves)

    def __len__(self):
        return len(self.x)

    @staticmethod
    def view(x):
        x = x.flip(2) if torch.rand(()) < 0.5 else x
        return x.flip(1) if torch.rand(()) < 0.5 else x

    def __getitem__(self, i):
        return self.view(self.x[i]), self.view(self.x[i])


torch.manual_seed(3)
loader = DataLoader(TwoViews(256), batch_size=32, shuffle=True, drop_last=True)
net = nn.Sequential(
    nn.Conv2d(3, 16, 5, stride=2),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(512, 32),
)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(20):
    for first, second in loader:
        a, b = (nn.functional.normalize(net(view), dim=1) for view in (first, second))
        loss = nn.functional.cross_entropy(a @ b.T / 0.2, torch.arange(len(a)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
