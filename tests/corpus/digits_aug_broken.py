# bug: held-out digits are augmented
# expects: DAT040
# %% Postal digits, small CNN with shift/rotate/erase augmentation
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(21)

# %% data
class PostalDigits(Dataset):
    def __init__(self, images, labels, augment=True, max_deg=25, max_shift=0.22, erase_p=0.5):
        self.x = torch.as_tensor(images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.y = torch.as_tensor(labels)
        self.augment = augment
        self.max_deg, self.max_shift, self.erase_p = max_deg, max_shift, erase_p

    def __len__(self):
        return len(self.y)

    def jitter(self, img):
        a = math.radians((torch.rand(()).item() * 2 - 1) * self.max_deg)
        sx, sy = ((torch.rand(2) * 2 - 1) * self.max_shift).tolist()
        theta = torch.tensor([[[math.cos(a), -math.sin(a), sx], [math.sin(a), math.cos(a), sy]]])
        grid = F.affine_grid(theta, (1, 1, 8, 8), align_corners=False)
        img = F.grid_sample(img[None], grid, align_corners=False)[0]
        if torch.rand(()) < self.erase_p:
            r, c = torch.randint(0, 6, (2,)).tolist()
            img = img.clone()
            img[:, r:r + 3, c:c + 3] = 0
        return img

    def __getitem__(self, i):
        img = self.x[i]
        if self.augment:
            img = self.jitter(img)
        return img, self.y[i]


bundle = load_digits()
xa, xb, ya, yb = train_test_split(bundle.images, bundle.target, test_size=0.3, stratify=bundle.target, random_state=0)
train_ds = PostalDigits(xa, ya)
valid_ds = PostalDigits(xb, yb)
train_dl = DataLoader(train_ds, batch_size=32, shuffle=True)
valid_dl = DataLoader(valid_ds, batch_size=128)
print(len(train_ds), "training images,", len(valid_ds), "validation images")

# %% model
def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())

model = nn.Sequential(block(1, 16), block(16, 32), nn.MaxPool2d(2), block(32, 48), nn.AdaptiveAvgPool2d(2),
                      nn.Flatten(), nn.Linear(48 * 4, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
EPOCHS = 16
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)

# %% loop
def validate():
    model.eval()
    hits, total = 0, 0.0
    with torch.no_grad():
        for x, y in valid_dl:
            out = model(x)
            total += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
    return total / len(valid_ds), hits / len(valid_ds)

for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for x, y in train_dl:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    scheduler.step()
    vl, acc = validate()
    print(f"epoch {epoch:2d} | train {total / len(train_ds):.4f} | valid {vl:.4f} | acc {acc:.4f}")

# %% per-class report
model.eval()
with torch.no_grad():
    pred = torch.cat([model(x).argmax(1) for x, _ in valid_dl])
for d in range(10):
    m = valid_ds.y == d
    print(f"digit {d}: recall {(pred[m] == d).float().mean():.3f}")
