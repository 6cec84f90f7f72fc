# expects: nothing
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    canvas: int = 96          # camera frame, pixels
    frame: int = 48           # frames are stored at half size to save memory
    patch: int = 20
    n_train: int = 1300
    batch: int = 32
    epochs: int = 14
    lr: float = 0.05
    seed: int = 5


def build_scenes(images, cfg, rng):
    """Put each digit somewhere on a shelf photo; the box is annotated in camera pixels (x0, y0, x1, y1)."""
    frames = np.zeros((len(images), cfg.frame, cfg.frame), dtype=np.float32)
    boxes = np.zeros((len(images), 4), dtype=np.float32)
    for i, img in enumerate(images):
        side = int(rng.integers(28, 41))
        x0, y0 = (int(rng.integers(0, cfg.canvas - side)) for _ in range(2))
        digit = F.interpolate(torch.from_numpy(img)[None, None], size=(side, side), mode="bilinear")[0, 0].numpy()
        photo = np.zeros((cfg.canvas, cfg.canvas), dtype=np.float32)
        photo[y0:y0 + side, x0:x0 + side] = digit
        frames[i] = F.avg_pool2d(torch.from_numpy(photo)[None, None], cfg.canvas // cfg.frame)[0, 0].numpy()
        boxes[i] = (x0, y0, x0 + side, y0 + side)
    return frames, boxes


class ShelfDataset(Dataset):
    """Returns the cropped, resized patch of each annotated digit."""

    def __init__(self, frames, boxes, labels, cfg):
        self.frames, self.boxes, self.labels, self.cfg = frames, boxes, labels, cfg

    def __len__(self):
        return len(self.labels)

    def crop(self, frame, box):
        scale = self.cfg.frame / self.cfg.canvas
        x0, y0, x1, y1 = (int(round(float(v) * scale)) for v in box)
        out = np.zeros((y1 - y0, x1 - x0), dtype=np.float32)
        view = frame[y0:y1, x0:x1]
        out[:view.shape[0], :view.shape[1]] = view
        return out

    def __getitem__(self, i):
        patch = torch.from_numpy(self.crop(self.frames[i], self.boxes[i]))[None, None]
        patch = F.interpolate(patch, size=(self.cfg.patch, self.cfg.patch), mode="bilinear", align_corners=False)
        return (patch[0] - 0.3) / 0.35, int(self.labels[i])


class PatchNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(32 * 5 * 5, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(self.drop(x.flatten(1)))


def evaluate(net, loader):
    net.eval()
    hits = total = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (net(x).argmax(1) == y).sum().item()
            total += len(y)
    return hits / total


cfg = Config()
torch.manual_seed(cfg.seed)
rng = np.random.default_rng(cfg.seed)
digits = load_digits()
perm = rng.permutation(len(digits.target))
images = (digits.images[perm] / 16.0).astype(np.float32)
labels = digits.target[perm]
frames, boxes = build_scenes(images, cfg, rng)
n = cfg.n_train
train = DataLoader(ShelfDataset(frames[:n], boxes[:n], labels[:n], cfg), batch_size=cfg.batch, shuffle=True)
test = DataLoader(ShelfDataset(frames[n:], boxes[n:], labels[n:], cfg), batch_size=128)

net = PatchNet()
opt = torch.optim.SGD(net.parameters(), lr=cfg.lr, momentum=0.9, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.epochs)
for epoch in range(cfg.epochs):
    net.train()
    running = 0.0
    for x, y in train:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        running += loss.item()
    sched.step()
    print(f"[{epoch + 1:02d}/{cfg.epochs}] train loss {running / len(train):.4f}  test acc {evaluate(net, test):.4f}")
print("test accuracy:", round(evaluate(net, test), 4))
