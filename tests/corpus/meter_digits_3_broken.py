# bug: random_erase writes into the stored image (self.images[i] is a view), so erased patches pile up over the epochs
# expects: DAT014
import random

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

SEED = 21
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)


class MeterDigits(Dataset):
    def __init__(self, images, labels, train):
        self.images = torch.as_tensor(images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.labels = torch.as_tensor(labels, dtype=torch.long)
        self.train = train

    def __len__(self):
        return len(self.labels)

    def random_erase(self, img):
        if random.random() < 0.5:
            h, w = random.randint(1, 3), random.randint(1, 3)
            top, left = random.randint(0, 8 - h), random.randint(0, 8 - w)
            img[:, top:top + h, left:left + w] = 0.0
        return img

    def __getitem__(self, i):
        img = self.images[i]
        if self.train:
            img = self.random_erase(img)
        return img, self.labels[i]


class SmallConv(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(48 * 16, classes)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def evaluate(model, loader):
    model.eval()
    hit = n = 0
    with torch.no_grad():
        for x, y in loader:
            hit += (model(x).argmax(1) == y).sum().item()
            n += len(y)
    return hit / n


X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.4, stratify=y, random_state=SEED)
train_loader = DataLoader(MeterDigits(X_tr, y_tr, True), batch_size=32, shuffle=True)
test_loader = DataLoader(MeterDigits(X_te, y_te, False), batch_size=256)

EPOCHS = 40
model = SmallConv()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.08, epochs=EPOCHS, steps_per_epoch=len(train_loader))
criterion = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    model.train()
    total, seen = 0.0, 0
    for x, target in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), target)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(target)
        seen += len(target)
    if (epoch + 1) % 5 == 0:
        print(f"epoch {epoch + 1}/{EPOCHS}: train loss {total / seen:.4f}")

print(f"test accuracy: {evaluate(model, test_loader):.4f}")
