import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def double_conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                         nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, base=6):
        super().__init__()
        self.down1 = double_conv(1, base)
        self.down2 = double_conv(base, 2 * base)
        self.bottom = double_conv(2 * base, 4 * base)
        self.up2 = double_conv(4 * base + 2 * base, 2 * base)
        self.up1 = double_conv(2 * base + base, base)
        self.out = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        s1 = self.down1(x)
        s2 = self.down2(F.max_pool2d(s1, 2))
        h = self.bottom(F.max_pool2d(s2, 2))
        h = F.interpolate(h, scale_factor=2.0)
        h = self.up2(torch.cat([h, s2], dim=1))
        h = F.interpolate(h, scale_factor=2.0)
        h = self.up1(torch.cat([h, s1], dim=1))
        return self.out(h)


def speckles(n, size=20, seed=0):
    """Segment thin curves in noise."""
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    pics, masks = [], []
    for _ in range(n):
        a, b, c, d = torch.rand(4, generator=g).tolist()
        curve = 4 + 12 * a + 4 * torch.sin(xx * (0.2 + 0.4 * b) + 6.28 * c)
        line = (yy - curve).abs() < 0.8
        dots = torch.rand(size, size, generator=g) > 0.98
        m = (line | dots).float()
        pics.append(1.6 * m + 0.45 * torch.randn(size, size, generator=g) - 0.2)
        masks.append(m)
    return torch.stack(pics).unsqueeze(1), torch.stack(masks).unsqueeze(1)


def dice(logits, mask):
    p = (logits > 0).float()
    return (2 * (p * mask).sum() / (p.sum() + mask.sum() + 1e-6)).item()


torch.manual_seed(28)
train = DataLoader(TensorDataset(*speckles(480, seed=1)), batch_size=16, shuffle=True)
test_x, test_m = speckles(100, seed=2)
unet = UNet()
opt = torch.optim.Adam(unet.parameters(), lr=4e-3)
for epoch in range(3):
    unet.train()
    tot = 0.0
    for x, m in train:
        loss = F.binary_cross_entropy_with_logits(unet(x), m)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() / len(train)
    unet.eval()
    with torch.no_grad():
        print(f"epoch {epoch}: bce {tot:.4f}, dice on new pictures {dice(unet(test_x), test_m):.4f}")
