# bug: the dataset's random horizontal flip is applied to the image only and not to its mask
# expects: DAT019
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def draw_sample(rng, size=24):
    """One grey image with a bright ellipse on a noisy background, plus its mask."""
    yy, xx = np.mgrid[0:size, 0:size]
    cx, cy = rng.uniform(5, size - 5, 2)
    rx, ry = rng.uniform(3, 6, 2)
    mask = ((xx - cx) / rx) ** 2 + ((yy - cy) / ry) ** 2 < 1
    img = rng.normal(0, 0.4, (size, size)) + mask * 1.0
    return img.astype(np.float32), mask.astype(np.float32)


class EllipseDataset(Dataset):
    def __init__(self, n, seed, augment):
        rng = np.random.default_rng(seed)
        self.samples = [draw_sample(rng) for _ in range(n)]
        self.augment = augment

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, idx):
        img, mask = self.samples[idx]
        img = torch.from_numpy(img)[None]
        mask = torch.from_numpy(mask)[None]
        if self.augment and random.random() < 0.5:
            img = torch.flip(img, dims=[2])
        return img, mask


class SmallFCN(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
        )
        self.mid = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
                                 nn.Upsample(scale_factor=2, mode="nearest"))
        self.out = nn.Conv2d(2 * width, 1, 1)

    def forward(self, x):
        a = self.down(x)
        return self.out(torch.cat([a, self.mid(a)], dim=1))


@torch.no_grad()
def mean_iou(model, loader):
    model.eval()
    inter = union = 0.0
    for img, mask in loader:
        pred = model(img) > 0
        truth = mask > 0.5
        inter += (pred & truth).sum().item()
        union += (pred | truth).sum().item()
    return inter / max(union, 1)


def main():
    random.seed(1)
    torch.manual_seed(1)
    train = DataLoader(EllipseDataset(400, seed=10, augment=True), batch_size=16, shuffle=True)
    val = DataLoader(EllipseDataset(100, seed=11, augment=False), batch_size=50)
    model = SmallFCN()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        model.train()
        running = 0.0
        for img, mask in train:
            opt.zero_grad()
            loss = criterion(model(img), mask)
            loss.backward()
            opt.step()
            running += loss.item()
        print(f"epoch {epoch} loss {running / len(train):.4f} val IoU {mean_iou(model, val):.3f}")


if __name__ == "__main__":
    main()
