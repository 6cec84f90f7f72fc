# bug: augmentation flips the image horizontally but leaves the box cx unflipped (Scenes.__getitem__)
# expects: DAT019
import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

SIZE = 24


def make_scene(rng):
    img = rng.normal(0.0, 0.1, (SIZE, SIZE)).astype(np.float32)
    w, h = rng.integers(5, 11, size=2)
    x0 = rng.integers(0, SIZE - w)
    y0 = rng.integers(0, SIZE - h)
    img[y0:y0 + h, x0:x0 + w] += rng.uniform(0.7, 1.2)
    box = np.array([x0 + w / 2, y0 + h / 2, w, h], dtype=np.float32) / SIZE
    return img, box


class Scenes(Dataset):
    """Images with one bright rectangle; target is (cx, cy, w, h) in [0, 1]."""

    def __init__(self, n, seed, augment):
        rng = np.random.default_rng(seed)
        items = [make_scene(rng) for _ in range(n)]
        self.images = np.stack([i for i, _ in items])
        self.boxes = np.stack([b for _, b in items])
        self.augment = augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        img = torch.from_numpy(self.images[i].copy()).unsqueeze(0)
        box = torch.from_numpy(self.boxes[i].copy())
        if self.augment and torch.rand(()) < 0.5:
            img = img.flip(-1)
        return img, box


class BoxNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Linear(16 * 36, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, x):
        return self.head(self.features(x))


def iou(a, b):
    al, ar = a[:, :2] - a[:, 2:] / 2, a[:, :2] + a[:, 2:] / 2
    bl, br = b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2
    wh = (torch.minimum(ar, br) - torch.maximum(al, bl)).clamp(min=0)
    inter = wh.prod(1)
    union = a[:, 2:].clamp(min=0).prod(1) + b[:, 2:].prod(1) - inter
    return inter / union


def main():
    torch.manual_seed(0)
    train_loader = DataLoader(Scenes(1024, 1, augment=True), batch_size=32, shuffle=True)
    val_loader = DataLoader(Scenes(256, 2, augment=False), batch_size=128)
    net = BoxNet()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    loss_fn = nn.SmoothL1Loss(beta=0.05)
    for epoch in range(12):
        net.train()
        running, seen = 0.0, 0
        for img, box in train_loader:
            loss = loss_fn(net(img), box)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item() * len(img)
            seen += len(img)
        net.eval()
        ious = []
        with torch.no_grad():
            for img, box in val_loader:
                ious.append(iou(net(img), box))
        print(f"epoch {epoch:2d}  train loss {running / seen:.4f}  val IoU {torch.cat(ious).mean():.3f}")


if __name__ == "__main__":
    main()
