# bug: height-width-channel pixels are brought to channel-first by reshape instead of permute (SignPictures.__init__), which scrambles the picture
# expects: DAT009
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SIZE = 30
NAMES = ("disc", "square", "triangle", "ring", "cross", "bar")


def draw(rng, kind):
    """One uint8 picture (height, width, RGB) with a coloured sign on a cluttered background."""
    yy, xx = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    bg = rng.uniform(40, 190, 3)
    ramp = (xx * rng.uniform(-1, 1) + yy * rng.uniform(-1, 1)) * 1.5
    img = bg[None, None] + ramp[..., None]
    for _ in range(5):
        a, b = rng.integers(0, SIZE - 5, 2)
        img[a:a + rng.integers(2, 6), b:b + rng.integers(2, 6)] += rng.normal(0, 45, 3)
    cx, cy, r = rng.uniform(9, 21), rng.uniform(9, 21), rng.uniform(5, 8)
    dx, dy = xx - cx, yy - cy
    dist = np.hypot(dx, dy)
    if kind == 0:
        mask = dist < r
    elif kind == 1:
        mask = np.maximum(abs(dx), abs(dy)) < r * 0.9
    elif kind == 2:
        mask = (dy < r * 0.8) & (dy > -r + 2.0 * abs(dx) - 0.5)
    elif kind == 3:
        mask = (dist < r) & (dist > r * 0.5)
    elif kind == 4:
        mask = (np.minimum(abs(dx), abs(dy)) < r * 0.3) & (np.maximum(abs(dx), abs(dy)) < r)
    else:
        mask = (abs(dy) < r * 0.35) & (abs(dx) < r)
    img[mask] = bg + rng.choice([-1, 1], 3) * rng.uniform(25, 70, 3)
    return np.clip(img + rng.normal(0, 12, img.shape), 0, 255).astype(np.uint8)


class SignPictures(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, len(NAMES), count)
        raw = np.stack([draw(rng, k) for k in labels])
        pixels = torch.from_numpy(raw).float().div_(255)
        self.pixels = pixels.reshape(-1, 3, SIZE, SIZE)
        self.labels = torch.from_numpy(labels)

    def normalise(self, mean, std):
        self.pixels = (self.pixels - mean) / std
        return self

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.pixels[i], self.labels[i]


def conv(cin, cout):
    return [nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True)]


def build_model():
    return nn.Sequential(
        *conv(3, 16), nn.MaxPool2d(2),
        *conv(16, 32), nn.MaxPool2d(2),
        *conv(32, 48), nn.AdaptiveMaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * 4, len(NAMES)))


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)


torch.manual_seed(5)
torch.set_num_threads(1)
train, test = SignPictures(2200, 10), SignPictures(1000, 20)
mean = train.pixels.mean((0, 2, 3), keepdim=True)[0]
std = train.pixels.std((0, 2, 3), keepdim=True)[0]
train.normalise(mean, std)
test.normalise(mean, std)
train_loader = DataLoader(train, batch_size=64, shuffle=True)
test_loader = DataLoader(test, batch_size=256)

model = build_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
n_epochs = 13
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.08, total_steps=n_epochs * len(train_loader))
for epoch in range(n_epochs):
    model.train()
    running = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        running += loss.item()
    print(f"{epoch:2d} loss {running / len(train_loader):.3f} test accuracy {accuracy(model, test_loader):.3f}")
print("final test accuracy", round(accuracy(model, test_loader), 4))
