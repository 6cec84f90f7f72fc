# expects: MOD015
# Segment bright round cells on an uneven microscope background with a small U-Net.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(8)
SIZE = 32
BN_EPS = 1e-5
BN_MOMENTUM = 0.001


def render(n):
    yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    img = torch.zeros(n, SIZE, SIZE)
    mask = torch.zeros(n, SIZE, SIZE)
    for i in range(n):
        gx, gy = (torch.rand(2) - 0.5) * 0.06
        img[i] = 0.35 + gx * (xx - 16) + gy * (yy - 16)
        for _ in range(int(torch.randint(2, 6, (1,)))):
            cx, cy = torch.rand(2) * SIZE
            r = 2.5 + 3 * torch.rand(1)
            inside = ((xx - cx) ** 2 + (yy - cy) ** 2) < r**2
            mask[i][inside] = 1.0
            img[i][inside] += 0.30 + 0.2 * torch.rand(1)
    img += 0.12 * torch.randn_like(img)
    return img[:, None], mask[:, None]


def conv_bn(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1),
        nn.BatchNorm2d(cout, eps=BN_EPS, momentum=BN_MOMENTUM),
        nn.ReLU(inplace=True),
        nn.Conv2d(cout, cout, 3, padding=1),
        nn.BatchNorm2d(cout, eps=BN_EPS, momentum=BN_MOMENTUM),
        nn.ReLU(inplace=True),
    )


class MiniUNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.enc1, self.enc2, self.mid = conv_bn(1, c), conv_bn(c, 2 * c), conv_bn(2 * c, 2 * c)
        self.dec2, self.dec1 = conv_bn(4 * c, c), conv_bn(2 * c, c)
        self.logits = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.enc1(x)
        b = self.enc2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        u = self.dec2(torch.cat([F.interpolate(m, scale_factor=2), b], 1))
        u = self.dec1(torch.cat([F.interpolate(u, scale_factor=2), a], 1))
        return self.logits(u)


def iou(logits, target):
    p = logits > 0
    t = target > 0.5
    return ((p & t).sum().float() / (p | t).sum().clamp(min=1)).item()


x_train, m_train = render(640)
x_val, m_val = render(160)
unet = MiniUNet()
opt = torch.optim.AdamW(unet.parameters(), lr=3e-3)
for epoch in range(6):
    unet.train()
    tr_loss, tr_iou, nb = 0.0, 0.0, 0
    for idx in torch.randperm(len(x_train)).split(20):
        out = unet(x_train[idx])
        loss = F.binary_cross_entropy_with_logits(out, m_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        tr_loss += loss.item()
        tr_iou += iou(out, m_train[idx])
        nb += 1
    unet.eval()
    with torch.no_grad():
        out = unet(x_val)
        v_loss = F.binary_cross_entropy_with_logits(out, m_val).item()
    print(
        f"ep {epoch}: train bce {tr_loss / nb:.3f} IoU {tr_iou / nb:.3f} | val bce {v_loss:.3f} IoU {iou(out, m_val):.3f}"
    )
