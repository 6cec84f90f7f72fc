# bug: held-out images get the random transforms of training
# expects: DAT040
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, random_split

torch.manual_seed(31)


class Compose:
    def __init__(self, *ts): self.ts = ts
    def __call__(self, img):
        for t in self.ts:
            img = t(img)
        return img


class RandomAffine:
    """rotate, shift and scale a 1x8x8 image"""
    def __init__(self, degrees, shift, scale):
        self.degrees, self.shift, self.scale = degrees, shift, scale

    def __call__(self, img):
        u = torch.rand(4) * 2 - 1
        a = math.radians(self.degrees) * u[0]
        s = 1 + self.scale * u[1]
        theta = torch.stack([torch.stack([s * a.cos(), -s * a.sin(), self.shift * u[2]]),
                             torch.stack([s * a.sin(), s * a.cos(), self.shift * u[3]])])
        grid = F.affine_grid(theta[None], (1, 1, 8, 8), align_corners=False)
        return F.grid_sample(img[None], grid, align_corners=False)[0]


class RandomErase:
    def __init__(self, p, size): self.p, self.size = p, size
    def __call__(self, img):
        if torch.rand(()) < self.p:
            i, j = torch.randint(0, 8 - self.size + 1, (2,)).tolist()
            img = img.clone()
            img[:, i:i + self.size, j:j + self.size] = 0
        return img


class DigitImages(Dataset):
    def __init__(self, transform=None):
        raw = load_digits()
        self.images = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.labels = torch.tensor(raw.target)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = self.images[i]
        if self.transform is not None:
            img = self.transform(img)
        return img, self.labels[i]


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 24, 3, padding=1)
        self.b1 = nn.BatchNorm2d(24)
        self.c2 = nn.Conv2d(24, 48, 3, padding=1)
        self.b2 = nn.BatchNorm2d(48)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(48 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.b1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.b2(self.c2(x))), 2)
        return self.fc(self.drop(x.flatten(1)))


augment = Compose(RandomAffine(degrees=20, shift=0.2, scale=0.15), RandomErase(p=0.5, size=3))
full = DigitImages(transform=augment)
n_val = 400
train_set, val_set = random_split(full, [len(full) - n_val, n_val], generator=torch.Generator().manual_seed(31))

train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
val_loader = DataLoader(val_set, batch_size=200)

model = SmallNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
epochs = 25
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=epochs, steps_per_epoch=len(train_loader))

for epoch in range(1, epochs + 1):
    model.train()
    train_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        train_loss += loss.item() * len(y)

    model.eval()
    val_loss, correct = 0.0, 0
    with torch.no_grad():
        for x, y in val_loader:
            out = model(x)
            val_loss += F.cross_entropy(out, y, reduction="sum").item()
            correct += (out.argmax(1) == y).sum().item()
    print(f"Epoch {epoch:2d}/{epochs}  loss {train_loss / len(train_set):.4f}  "
          f"val_loss {val_loss / n_val:.4f}  val_acc {correct / n_val:.4f}")
