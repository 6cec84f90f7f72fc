# sound
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = 3  # background, disc, square


def draw(n, seed, s=16):
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:s, :s]
    imgs = rng.normal(0, 0.25, (n, 1, s, s)).astype(np.float32)
    masks = np.zeros((n, s, s), dtype=np.int64)
    for i in range(n):
        cy, cx = rng.integers(4, s - 4, 2)
        r = rng.integers(3, 5)
        disc = (yy - cy) ** 2 + (xx - cx) ** 2 <= r * r
        cy, cx = rng.integers(3, s - 3, 2)
        square = (abs(yy - cy) <= 2) & (abs(xx - cx) <= 2)
        imgs[i, 0][disc] += 1.0
        masks[i][disc] = 1
        imgs[i, 0][square] -= 1.0
        imgs[i, 0][square & disc] -= 1.0
        masks[i][square] = 2
    return torch.from_numpy(imgs), torch.from_numpy(masks)


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class TinyUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = block(1, 8)
        self.down2 = block(8, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.fuse = block(16, 8)
        self.out = nn.Conv2d(8, CLASSES, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        return self.out(self.fuse(torch.cat([a, self.up(b)], dim=1)))


def pixel_loss(logits, mask):
    flat = logits.permute(0, 2, 3, 1).reshape(-1, CLASSES)
    return F.cross_entropy(flat, mask.reshape(-1))


@torch.no_grad()
def mean_iou(net, x, y):
    net.eval()
    pred = net(x).argmax(1)
    ious = []
    for c in range(CLASSES):
        p, t = pred == c, y == c
        ious.append(((p & t).sum() / (p | t).sum().clamp(min=1)).item())
    return sum(ious) / CLASSES


torch.manual_seed(6)
x_train, y_train = draw(640, 0)
x_val, y_val = draw(128, 1)
net = TinyUNet()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(12):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(x_train)).split(32):
        opt.zero_grad()
        loss = pixel_loss(net(x_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    print(f"epoch {epoch:2d} loss {total / len(x_train):.4f} val mIoU {mean_iou(net, x_val, y_val):.3f}")
