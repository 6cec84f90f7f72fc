# sound: the same program without that
"""Segment round cells in noisy micrographs, learning from a handful of large annotated slides."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    seed: int = 7
    slides: int = 6
    side: int = 256
    patch: int = 32
    patches_per_epoch: int = 128
    batch: int = 16
    workers: int = 2
    epochs: int = 26
    lr: float = 4e-3


def make_slide(rng, side):
    yy, xx = np.mgrid[0:side, 0:side]
    mask = np.zeros((side, side), np.float32)
    img = np.zeros((side, side), np.float32)
    for _ in range(70):
        cy, cx, r = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(5, 11)
        inside = (yy - cy) ** 2 + (xx - cx) ** 2 < r * r
        mask[inside] = 1
        img[inside] = rng.uniform(0.35, 0.7)
    for _ in range(60):  # thin fibres: bright, but not cells
        cy, cx, a = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0, np.pi)
        d = np.abs((yy - cy) * np.cos(a) - (xx - cx) * np.sin(a))
        along = np.abs((yy - cy) * np.sin(a) + (xx - cx) * np.cos(a))
        fibre = (d < 1.5) & (along < 30) & (mask == 0)
        img[fibre] = rng.uniform(0.4, 0.8)
    img += rng.normal(0, 0.25, img.shape) + 0.3 * np.sin(xx / 40 + rng.uniform(0, 6))
    return img.astype(np.float32), mask


class RandomPatches(Dataset):
    """Every item is a fresh random crop of a random slide, flipped and re-lit at random."""

    def __init__(self, slides, patch, length):
        self.slides, self.patch, self.length = slides, patch, length

    def __len__(self):
        return self.length

    def __getitem__(self, _):
        img, mask = self.slides[np.random.randint(len(self.slides))]
        y, x = np.random.randint(0, img.shape[0] - self.patch, size=2)
        a = img[y:y + self.patch, x:x + self.patch]
        m = mask[y:y + self.patch, x:x + self.patch]
        k = np.random.randint(4)
        a, m = np.rot90(a, k), np.rot90(m, k)
        if np.random.rand() < 0.5:
            a, m = a[:, ::-1], m[:, ::-1]
        a = a * np.random.uniform(0.8, 1.2) + np.random.uniform(-0.1, 0.1)
        return torch.from_numpy(a.astype(np.float32).copy())[None], torch.from_numpy(m.copy())[None]


class TinyUNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        def block(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(),
                                 nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())
        self.d1, self.d2, self.u1 = block(1, c), block(c, 2 * c), block(3 * c, c)
        self.head = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        return self.head(self.u1(torch.cat([a, F.interpolate(b, scale_factor=2.0)], 1)))


cfg = Config()


def init_worker(worker_id):
    np.random.seed(torch.initial_seed() % 2**32)


def evaluate(model, slides):
    model.eval()
    inter = union = loss = 0.0
    with torch.no_grad():
        for img, mask in slides:
            x, m = torch.from_numpy(img)[None, None], torch.from_numpy(mask)[None, None]
            z = model(x)
            loss += F.binary_cross_entropy_with_logits(z, m).item() / len(slides)
            p = z > 0
            inter += (p & (m > 0)).sum().item()
            union += (p | (m > 0)).sum().item()
    return loss, inter / union


def main():
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    slides = [make_slide(rng, cfg.side) for _ in range(cfg.slides + 3)]
    train, held_out = slides[:cfg.slides], slides[cfg.slides:]
    loader = DataLoader(RandomPatches(train, cfg.patch, cfg.patches_per_epoch), batch_size=cfg.batch,
                        num_workers=cfg.workers, worker_init_fn=init_worker)
    model = TinyUNet()
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.epochs)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for x, m in loader:
            loss = F.binary_cross_entropy_with_logits(model(x), m)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        if epoch % 5 == 0:
            vl, iou = evaluate(model, held_out)
            print(f"epoch {epoch + 1:3d}  train {total / len(loader):.4f}  held-out {vl:.4f}  IoU {iou:.3f}")


if __name__ == "__main__":
    main()
