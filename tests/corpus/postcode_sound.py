# expects: nothing
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, random_split

# ---- settings
SEED = 21
EPOCHS = 22
BATCH = 64
torch.manual_seed(SEED)


class Jitter:
    """Shift by up to two pixels, slight change of contrast, one erased patch."""

    def __call__(self, img):
        dy, dx = torch.randint(-2, 3, (2,)).tolist()
        img = F.pad(img, (2, 2, 2, 2))[:, 2 + dy:10 + dy, 2 + dx:10 + dx].clone()
        img = img * (0.8 + 0.4 * torch.rand(1))
        if torch.rand(1) < 0.5:
            r, c = torch.randint(0, 6, (2,)).tolist()
            img[:, r:r + 3, c:c + 3] = 0
        return img


class PostcodeDigits(Dataset):
    def __init__(self, transform=None):
        raw = load_digits()
        self.images = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.targets = torch.tensor(raw.target)
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        img = self.images[i]
        if self.transform is not None:
            img = self.transform(img)
        return img, self.targets[i]


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(),
        )
        self.classifier = nn.Linear(48 * 16, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


# ---- data
base = PostcodeDigits()
train_set, val_set = random_split(base, [1300, len(base) - 1300], generator=torch.Generator().manual_seed(SEED))
train_set.dataset = copy.copy(base)
train_set.dataset.transform = Jitter()
train_loader = DataLoader(train_set, batch_size=BATCH, shuffle=True)
val_loader = DataLoader(val_set, batch_size=256)

# ---- training
model = SmallCNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)

for epoch in range(EPOCHS):
    model.train()
    loss_sum, seen = 0.0, 0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(yb)
        seen += len(yb)
    scheduler.step()

    model.eval()
    correct = 0
    val_loss = 0.0
    with torch.no_grad():
        for xb, yb in val_loader:
            out = model(xb)
            val_loss += F.cross_entropy(out, yb, reduction="sum").item()
            correct += (out.argmax(1) == yb).sum().item()
    print(f"[{epoch + 1:02d}/{EPOCHS}] train loss {loss_sum / seen:.4f} | "
          f"val loss {val_loss / len(val_set):.4f} | val acc {correct / len(val_set):.4f}")
