# bug: held-out pictures are not divided by 255
# expects: DAT047
# Visual inspection of ceramic tiles: ok / crack / stain / chipped corner
import random

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

SEED = 17
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)

CLASSES = ["ok", "crack", "stain", "chip"]
S = 24


def photograph(kind):
    """RGB picture of one tile as the line camera writes it: uint8, height x width x 3."""
    base = np.random.uniform(150, 210) + np.random.uniform(-12, 12, 3)
    img = np.ones((S, S, 3)) * base + np.random.normal(0, 9, (S, S, 3))
    yy, xx = np.mgrid[:S, :S]
    if kind == "crack":
        y, x, a = np.random.uniform(6, 18), np.random.uniform(6, 18), np.random.uniform(0, 2 * np.pi)
        for _ in range(np.random.randint(10, 18)):
            if 0 <= int(y) < S and 0 <= int(x) < S:
                img[int(y), int(x)] -= np.random.uniform(50, 90)
            a += np.random.normal(0, 0.3)
            y, x = y + np.sin(a), x + np.cos(a)
    elif kind == "stain":
        cy, cx, r = np.random.uniform(6, 18), np.random.uniform(6, 18), np.random.uniform(2.0, 4.5)
        blob = np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / r ** 2)
        img -= blob[..., None] * np.array([20, 40, 60]) * np.random.uniform(0.5, 1.0)
    elif kind == "chip":
        cy, cx = np.random.choice([0, S - 1]), np.random.choice([0, S - 1])
        reach = np.random.uniform(3, 6)
        img[np.abs(yy - cy) + np.abs(xx - cx) < reach] -= np.random.uniform(35, 80)
    return np.clip(img, 0, 255).astype(np.uint8)


def to_chw(img):
    return torch.from_numpy(np.ascontiguousarray(img)).permute(2, 0, 1).float().div(255)


class TileSet(Dataset):
    def __init__(self, images, labels, augment=False):
        self.images, self.labels, self.augment = images, labels, augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        img = self.images[i]
        if self.augment:
            if random.random() < 0.5:
                img = img[:, ::-1]
            if random.random() < 0.5:
                img = img[::-1]
            x = to_chw(img)
            x = (x * random.uniform(0.9, 1.1)).clamp(0, 1)
        else:
            x = torch.from_numpy(img).permute(2, 0, 1).float()
        return (x - MEAN) / STD, self.labels[i]


labels = np.random.randint(0, 4, 1300)
images = np.stack([photograph(CLASSES[k]) for k in labels])
n_train = 1000
pixels = images[:n_train].reshape(-1, 3) / 255.0
MEAN = torch.tensor(pixels.mean(0), dtype=torch.float32).view(3, 1, 1)
STD = torch.tensor(pixels.std(0), dtype=torch.float32).view(3, 1, 1)

train_loader = DataLoader(TileSet(images[:n_train], labels[:n_train], augment=True), batch_size=50, shuffle=True)
val_loader = DataLoader(TileSet(images[n_train:], labels[n_train:]), batch_size=100)


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))


net = nn.Sequential(block(3, 12), block(12, 24), block(24, 32), nn.Flatten(), nn.Linear(32 * 9, 4))
criterion = nn.CrossEntropyLoss()
EPOCHS = 8
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=EPOCHS * len(train_loader))

for epoch in range(EPOCHS):
    net.train()
    seen, loss_sum, right = 0, 0.0, 0
    for x, y in train_loader:
        optimizer.zero_grad()
        out = net(x)
        loss = criterion(out, y)
        loss.backward()
        optimizer.step()
        schedule.step()
        seen += len(y)
        loss_sum += loss.item() * len(y)
        right += (out.argmax(1) == y).sum().item()

    net.eval()
    v_loss, confusion = 0.0, np.zeros((4, 4), dtype=int)
    with torch.no_grad():
        for x, y in val_loader:
            out = net(x)
            v_loss += criterion(out, y).item() * len(y)
            for t, p in zip(y.tolist(), out.argmax(1).tolist()):
                confusion[t, p] += 1
    n_val = confusion.sum()
    print(f"{epoch + 1}/{EPOCHS} loss={loss_sum / seen:.3f} acc={right / seen:.3f} "
          f"val_loss={v_loss / n_val:.3f} val_acc={np.trace(confusion) / n_val:.3f}")

print("rows: truth, columns: prediction", CLASSES)
print(confusion)
