# expects: DAT019
"""One random transform for images and one for masks: each draws for itself."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RandomFlips:
    def __init__(self, p=0.5):
        self.p = p

    def __call__(self, image):
        if torch.rand(()) < self.p:
            image = torch.flip(image, dims=[2])
        if torch.rand(()) < self.p:
            image = torch.flip(image, dims=[1])
        return image


class Roads(Dataset):
    def __init__(self, transform=None, target_transform=None):
        self.transform, self.target_transform = transform, target_transform
        g = torch.Generator().manual_seed(4)
        self.items = []
        for _ in range(120):
            y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
            slope, shift = 1.4 * torch.rand(2, generator=g) - 0.7, 20 * torch.rand((), generator=g) - 4
            road = ((y - slope[0] * x - shift).abs() < 3).float()[None]
            photo = torch.rand(3, 32, 32, generator=g) * 0.5 + road * torch.tensor([0.5, 0.4, 0.4])[:, None, None]
            self.items.append((photo, road))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        photo, road = self.items[i]
        return {"image": self.transform(photo), "mask": self.target_transform(road)}


def dice(scores, masks):
    p = scores.sigmoid()
    return 1 - (2 * (p * masks).sum() + 1) / (p.sum() + masks.sum() + 1)


class SmallUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU())
        self.inner = nn.Sequential(
            nn.MaxPool2d(2), nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2)
        )
        self.up = nn.Conv2d(36, 1, 3, padding=1)

    def forward(self, x):
        a = self.down(x)
        return self.up(torch.cat([a, self.inner(a)], 1))


if __name__ == "__main__":
    torch.manual_seed(0)
    loader = DataLoader(Roads(RandomFlips(), RandomFlips()), batch_size=12, shuffle=True, num_workers=2)
    net = SmallUNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(12):
        total = 0.0
        for batch in loader:
            optimizer.zero_grad()
            loss = dice(net(batch["image"]), batch["mask"])
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(epoch, total / len(loader))
