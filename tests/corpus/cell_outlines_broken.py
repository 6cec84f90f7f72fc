# bug: COCO-style run lengths are column-major but are reshaped row-major, so every mask is transposed against its image (rle_to_mask)
# expects: DAT051
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

SIZE = 48


def mask_to_rle(mask):
    flat = mask.flatten(order="F")
    change = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], change, [flat.size]])
    counts = np.diff(edges).tolist()
    return [0] + counts if flat[0] else counts


def rle_to_mask(counts, height, width):
    values = np.arange(len(counts)) % 2
    flat = np.repeat(values, counts)
    return flat.reshape(height, width)


def paint_sample(rng):
    yy, xx = np.mgrid[:SIZE, :SIZE]
    mask = np.zeros((SIZE, SIZE), dtype=np.uint8)
    image = rng.normal(0.3, 0.12, (SIZE, SIZE))
    for _ in range(rng.integers(2, 5)):
        cy, cx = rng.uniform(6, SIZE - 6, 2)
        a, b, th = rng.uniform(3, 9), rng.uniform(3, 6), rng.uniform(0, np.pi)
        u = (xx - cx) * np.cos(th) + (yy - cy) * np.sin(th)
        v = -(xx - cx) * np.sin(th) + (yy - cy) * np.cos(th)
        cell = (u / a) ** 2 + (v / b) ** 2 < 1
        image[cell] += rng.uniform(0.15, 0.4)
        mask |= cell.astype(np.uint8)
    return image.astype(np.float32), mask_to_rle(mask)


class CellSet(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.samples = [paint_sample(rng) for _ in range(n)]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        image, counts = self.samples[i]
        mask = rle_to_mask(counts, SIZE, SIZE)
        return torch.from_numpy(image)[None], torch.from_numpy(mask.astype(np.float32))[None]


class SmallUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        conv = lambda i, o: nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.SiLU())
        self.d1, self.d2, self.mid = conv(1, w), conv(w, 2 * w), conv(2 * w, 2 * w)
        self.u2, self.u1 = conv(4 * w, w), conv(2 * w, w)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        y = self.u2(torch.cat([b, F.interpolate(m, scale_factor=2.0)], 1))
        y = self.u1(torch.cat([a, F.interpolate(y, scale_factor=2.0)], 1))
        return self.out(y)


def bce_dice(logits, target):
    p = logits.sigmoid()
    inter = (p * target).sum((1, 2, 3))
    dice = (2 * inter + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, target) + (1 - dice).mean()


@torch.no_grad()
def mean_iou(model, loader):
    model.eval()
    ious = []
    for x, y in loader:
        p = model(x) > 0
        t = y > 0.5
        ious.append((p & t).sum((1, 2, 3)) / (p | t).sum((1, 2, 3)).clamp(min=1))
    return torch.cat(ious).mean().item()


torch.manual_seed(17)
train_loader = DataLoader(CellSet(720, 101), batch_size=16, shuffle=True)
val_loader = DataLoader(CellSet(300, 202), batch_size=50)
model = SmallUNet()
optimizer = torch.optim.RAdam(model.parameters(), lr=3e-3)
for epoch in range(7):
    model.train()
    running, seen = 0.0, 0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = bce_dice(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(x)
        seen += len(x)
    print(f"epoch {epoch}: loss {running / seen:.4f}  val IoU {mean_iou(model, val_loader):.4f}")
print(f"final val IoU {mean_iou(model, val_loader):.4f}")
