# bug: in crop(): boxes are in 128-pixel scan coordinates but are cut from the 64-pixel thumbnail without scaling, so patches are mostly empty padding
# expects: DAT025
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

SCAN = 128          # side of the scanner's original page, the annotation tool's pixels
STORED = 64         # side of the thumbnails we keep on disk
PATCH = 16


def compose_page(glyph, rng):
    """Puts one digit somewhere on a dim page; returns the stored thumbnail and the annotated box."""
    side = int(rng.integers(32, 49))
    top, left = rng.integers(0, SCAN - side, size=2)
    page = np.abs(rng.normal(0, 0.02, (SCAN, SCAN)))
    page[top:top + side, left:left + side] += zoom(glyph / 16.0, side / 8, order=1)[:side, :side]
    thumb = page.reshape(STORED, 2, STORED, 2).mean(axis=(1, 3))
    return thumb.astype(np.float32), (int(top), int(left), side)


class PageDigits(Dataset):
    def __init__(self, glyphs, labels, copies, seed):
        rng = np.random.default_rng(seed)
        self.pages, self.boxes, self.labels = [], [], []
        for _ in range(copies):
            for g, y in zip(glyphs, labels):
                page, box = compose_page(g, rng)
                self.pages.append(page)
                self.boxes.append(box)
                self.labels.append(int(y))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.from_numpy(self.crop(self.pages[i], self.boxes[i])), self.labels[i]

    @staticmethod
    def crop(page, box):
        top, left, side = box
        canvas = np.zeros((side, side), np.float32)
        piece = page[top:top + side, left:left + side]
        canvas[:piece.shape[0], :piece.shape[1]] = piece
        patch = torch.from_numpy(canvas)[None, None]
        return F.interpolate(patch, size=(PATCH, PATCH), mode="bilinear", align_corners=False)[0].numpy()


def conv(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


net_layers = lambda: nn.Sequential(
    conv(1, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d(2), conv(32, 48),
    nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * 4, 10))


def accuracy(net, loader):
    net.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in loader:
            right += (net(x).argmax(1) == y).sum().item()
            total += len(y)
    return right / total


def main():
    torch.manual_seed(21)
    digits = load_digits()
    tr_x, te_x, tr_y, te_y = train_test_split(
        digits.images, digits.target, test_size=0.3, stratify=digits.target, random_state=21)
    train = PageDigits(tr_x, tr_y, copies=2, seed=1)
    test = PageDigits(te_x, te_y, copies=1, seed=2)
    loader = DataLoader(train, batch_size=48, shuffle=True)
    test_loader = DataLoader(test, batch_size=256)

    net = net_layers()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    epochs = 8
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=epochs * len(loader))
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for x, y in loader:
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(y)
        print(f"epoch {epoch + 1}/{epochs}  train loss {total / len(train):.4f}  test acc {accuracy(net, test_loader):.4f}")


if __name__ == "__main__":
    main()
