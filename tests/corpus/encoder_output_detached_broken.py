# bug: the encoder's output is detached before the decoder, so the encoder learns nothing
# expects: LOS006 MOD011
"""Tiny U-Net that segments discs among squares."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def scenes(n, size=16, seed=0):
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    img, mask = torch.zeros(n, 1, size, size), torch.zeros(n, 1, size, size)
    for k in range(n):
        cx, cy = torch.randint(3, size - 3, (2,), generator=g).tolist()
        sx, sy = torch.randint(3, size - 3, (2,), generator=g).tolist()
        square = ((xx - sx).abs() <= 2) & ((yy - sy).abs() <= 2)
        disc = (xx - cx) ** 2 + (yy - cy) ** 2 <= 9
        img[k, 0][square | disc] = 1.0
        mask[k, 0][disc] = 1.0
    return img + 0.2 * torch.randn(img.shape, generator=g), mask


def double_conv(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU(),
        nn.Conv2d(cout, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.down1 = double_conv(1, c)
        self.down2 = double_conv(c, 2 * c)
        self.bottom = double_conv(2 * c, 2 * c)
        self.up2 = double_conv(4 * c, c)
        self.up1 = double_conv(2 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def encode(self, x):
        d1 = self.down1(x)
        d2 = self.down2(F.max_pool2d(d1, 2))
        return d1, d2, self.bottom(F.max_pool2d(d2, 2))

    def forward(self, x):
        d1, d2, b = self.encode(x)
        d1, d2, b = d1.detach(), d2.detach(), b.detach()
        u2 = self.up2(torch.cat([F.interpolate(b, scale_factor=2), d2], 1))
        u1 = self.up1(torch.cat([F.interpolate(u2, scale_factor=2), d1], 1))
        return self.out(u1)


def dice(logits, mask):
    p = (logits > 0).float()
    return (2 * (p * mask).sum() / (p.sum() + mask.sum()).clamp(min=1)).item()


def main():
    torch.manual_seed(7)
    x, m = scenes(240, seed=1)
    xv, mv = scenes(60, seed=2)
    net = UNet()
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(8):
        net.train()
        for idx in torch.randperm(len(x)).split(12):
            logits = net(x[idx])
            loss = F.binary_cross_entropy_with_logits(logits, m[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            score = dice(net(xv), mv)
        print(f"epoch {epoch}: loss {loss.item():.4f} val dice {score:.4f}")


if __name__ == "__main__":
    main()
