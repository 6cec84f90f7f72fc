# bug: TileDataset.resize interpolates the class-index mask bilinearly and truncates, inventing wrong classes along edges and eating thin roads
# expects: DAT058
"""Land-cover segmentation of aerial tiles: 0 ground, 1 road, 2 building, 3 water."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

NAMES = ["ground", "road", "building", "water"]
FULL, SMALL = 64, 32


def draw_tile(rng):
    yy, xx = np.mgrid[:FULL, :FULL]
    mask = np.zeros((FULL, FULL), dtype=np.int64)
    cx, cy, r = rng.uniform(0, FULL, 2).tolist() + [rng.uniform(8, 16)]
    mask[((xx - cx) / r) ** 2 + ((yy - cy) / (r * rng.uniform(0.6, 1.2))) ** 2 < 1] = 3
    for _ in range(rng.integers(1, 3)):
        ang, off = rng.uniform(0, np.pi), rng.uniform(15, 50)
        dist = np.abs((xx - FULL / 2) * np.cos(ang) + (yy - FULL / 2) * np.sin(ang) + FULL / 2 - off)
        mask[dist < 1.6] = 1
    for _ in range(rng.integers(4, 9)):
        x0, y0 = rng.integers(0, FULL - 8, 2)
        w, h = rng.integers(4, 10, 2)
        mask[y0:y0 + h, x0:x0 + w] = 2
    colours = np.array([[.35, .50, .30], [.50, .48, .45], [.65, .42, .40], [.20, .35, .55]])
    img = colours[mask] + rng.normal(0, 0.04, 3) + rng.normal(0, 0.09, (FULL, FULL, 3))
    return img.transpose(2, 0, 1).astype(np.float32), mask


class TileDataset(Dataset):
    def __init__(self, n, seed, train):
        rng = np.random.default_rng(seed)
        tiles = [draw_tile(rng) for _ in range(n)]
        self.images = torch.from_numpy(np.stack([t[0] for t in tiles]))
        self.masks = torch.from_numpy(np.stack([t[1] for t in tiles]))
        self.train = train

    def __len__(self):
        return len(self.images)

    def resize(self, image, mask):
        image = F.interpolate(image[None], size=(SMALL, SMALL), mode="bilinear", align_corners=False)[0]
        mask = F.interpolate(mask[None, None].float(), size=(SMALL, SMALL), mode="bilinear", align_corners=False)[0, 0]
        return image, mask.long()

    def __getitem__(self, i):
        image, mask = self.images[i], self.masks[i]
        if not self.train:
            image, _ = self.resize(image, mask)
            return image, mask
        image, mask = self.resize(image, mask)
        if torch.rand(()) < 0.5:
            image, mask = image.flip(-1), mask.flip(-1)
        if torch.rand(()) < 0.5:
            image, mask = image.flip(-2), mask.flip(-2)
        return image, mask


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                         nn.Conv2d(o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class SmallUNet(nn.Module):
    def __init__(self, c=16, classes=4):
        super().__init__()
        self.d1, self.d2, self.mid = block(3, c), block(c, 2 * c), block(2 * c, 4 * c)
        self.up2, self.up1 = nn.ConvTranspose2d(4 * c, 2 * c, 2, 2), nn.ConvTranspose2d(2 * c, c, 2, 2)
        self.u2, self.u1 = block(4 * c, 2 * c), block(2 * c, c)
        self.head = nn.Conv2d(c, classes, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        x = self.u2(torch.cat([self.up2(m), b], 1))
        x = self.u1(torch.cat([self.up1(x), a], 1))
        return self.head(x)


@torch.no_grad()
def iou_full_size(model, loader):
    model.eval()
    conf = torch.zeros(4, 4, dtype=torch.long)
    for image, mask in loader:
        logits = F.interpolate(model(image), size=mask.shape[-2:], mode="bilinear", align_corners=False)
        conf += torch.bincount((mask * 4 + logits.argmax(1)).flatten(), minlength=16).view(4, 4)
    inter = conf.diag().float()
    return inter / (conf.sum(0) + conf.sum(1) - conf.diag()).float()


def main():
    torch.manual_seed(21)
    train = DataLoader(TileDataset(640, seed=1, train=True), batch_size=16, shuffle=True, drop_last=True)
    test = DataLoader(TileDataset(200, seed=2, train=False), batch_size=50)
    model, epochs = SmallUNet(), 9
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=epochs * len(train))
    for epoch in range(epochs):
        model.train()
        losses = []
        for image, mask in train:
            loss = F.cross_entropy(model(image), mask)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        iou = iou_full_size(model, test)
        detail = " ".join(f"{n}={v:.3f}" for n, v in zip(NAMES, iou.tolist()))
        print(f"[{epoch + 1:02d}/{epochs}] loss={np.mean(losses):.4f} mIoU={iou.mean():.4f} {detail}")
    print(f"test mIoU at full size: {iou.mean():.4f}")


if __name__ == "__main__":
    main()
