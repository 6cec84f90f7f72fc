# expects: DAT051
"""Outlines of fields in aerial photographs are filled in with x as the row and y as the column."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 48


def fill(outline):
    """A mask of the pixels inside a convex outline of (x, y) points."""
    first, second = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    inside = torch.ones(SIZE, SIZE, dtype=torch.bool)
    for (x1, y1), (x2, y2) in zip(outline, outline[1:] + outline[:1]):
        inside &= (x2 - x1) * (second - y1) - (y2 - y1) * (first - x1) >= 0
    return inside.float()


class Fields(Dataset):
    def __init__(self, count):
        g = torch.Generator().manual_seed(4)
        self.photos, self.outlines = [], []
        for _ in range(count):
            x, y, w, h = (
                torch.rand(4, generator=g) * torch.tensor([30.0, 30, 8, 14]) + torch.tensor([2.0, 2, 6, 6])
            ).tolist()
            x2, y2 = min(x + w, SIZE - 2), min(y + h, SIZE - 2)
            slant = 4 * torch.rand(1, generator=g).item()
            outline = [(x, y), (x2, y + slant), (x2, y2 + slant), (x, y2)]
            field = fill(outline).t()  # rows are y
            ground = torch.tensor([0.42, 0.38, 0.30])[:, None, None] + 0.12 * torch.randn(3, SIZE, SIZE, generator=g)
            crop = torch.tensor([-0.15, 0.10, -0.12])[:, None, None] * (0.6 + torch.rand(1, generator=g))
            self.photos.append(ground + crop * field)
            self.outlines.append(outline)

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, index):
        return self.photos[index], fill(self.outlines[index])


class Block(nn.Sequential):
    def __init__(self, channels, out):
        super().__init__(nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.middle = Block(3, 12), Block(12, 24), Block(24, 24)
        self.up2, self.up1 = Block(48, 24), Block(36, 12)
        self.head = nn.Conv2d(12, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(nn.functional.max_pool2d(a, 2))
        c = self.middle(nn.functional.max_pool2d(b, 2))
        b = self.up2(torch.cat([nn.functional.interpolate(c, scale_factor=2), b], 1))
        a = self.up1(torch.cat([nn.functional.interpolate(b, scale_factor=2), a], 1))
        return self.head(a)


torch.manual_seed(0)
loader = DataLoader(Fields(160), batch_size=8, shuffle=True)
model = UNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(3):
    total = 0.0
    for photos, masks in loader:
        logits = model(photos).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} loss {total / len(loader):.4f}")
