# bug: images in HWC order are brought to CHW with reshape/view instead of permute, which scrambles the pixels
# expects: DAT009
# Small image classifier on camera frames stored as uint8 arrays (N, H, W, C)
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader

torch.manual_seed(0)
rng = np.random.RandomState(0)
H, W = 20, 24
CLASSES = ["disc", "square", "cross", "stripes_h", "stripes_v", "ring"]


def render(kind):
    img = rng.rand(3)[None, None, :] * 0.5 + rng.randn(H, W, 3) * 0.15
    colour = rng.rand(3) * 0.7 + 0.3
    yy, xx = np.mgrid[0:H, 0:W]
    cy, cx, r = rng.uniform(7, 13), rng.uniform(7, 17), rng.uniform(4, 6.5)
    dy, dx = yy - cy, xx - cx
    if kind == 0:
        m = dy ** 2 + dx ** 2 < r ** 2
    elif kind == 1:
        m = (abs(dy) < r * 0.88) & (abs(dx) < r * 0.88)
    elif kind == 2:
        m = ((abs(dy) < 1.5) | (abs(dx) < 1.5)) & (abs(dy) < r) & (abs(dx) < r)
    elif kind == 3:
        m = (abs(dy) < r) & (abs(dx) < r) & ((yy // 2) % 2 == 0)
    elif kind == 4:
        m = (abs(dy) < r) & (abs(dx) < r) & ((xx // 2) % 2 == 0)
    else:
        d = np.sqrt(dy ** 2 + dx ** 2)
        m = (d < r) & (d > r - 2.2)
    img = np.where(m[..., None], 0.3 * img + 0.7 * colour, img)
    return (np.clip(img, 0, 1) * 255).astype(np.uint8)


class Frames(Dataset):
    def __init__(self, n):
        self.y = rng.randint(0, len(CLASSES), n)
        self.x = np.stack([render(k) for k in self.y])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        img = torch.from_numpy(self.x[i]).float() / 255.0
        img = img.reshape(3, img.shape[0], img.shape[1])
        return (img - 0.4) / 0.25, int(self.y[i])


class TinyResNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn0 = nn.BatchNorm2d(width)
        self.c1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.b1 = nn.BatchNorm2d(width)
        self.c2 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
        self.b2 = nn.BatchNorm2d(2 * width)
        self.c3 = nn.Conv2d(2 * width, 2 * width, 3, padding=1, bias=False)
        self.b3 = nn.BatchNorm2d(2 * width)
        self.fc = nn.Linear(2 * width, len(CLASSES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn0(self.stem(x))), 2)
        x = x + F.relu(self.b1(self.c1(x)))
        x = F.relu(self.b2(self.c2(x)))
        x = x + F.relu(self.b3(self.c3(x)))
        return self.fc(x.mean((2, 3)))


train_dl = DataLoader(Frames(700), batch_size=50, shuffle=True)
valid_dl = DataLoader(Frames(400), batch_size=100)
model = TinyResNet()
EPOCHS = 12
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1.5e-2, total_steps=EPOCHS * len(train_dl))

for epoch in range(EPOCHS):
    model.train()
    tl = tc = 0
    for x, y in train_dl:
        out = model(x)
        loss = F.cross_entropy(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        tl += loss.item() * len(y)
        tc += (out.argmax(1) == y).sum().item()
    model.eval()
    vl = vc = 0
    with torch.no_grad():
        for x, y in valid_dl:
            out = model(x)
            vl += F.cross_entropy(out, y, reduction="sum").item()
            vc += (out.argmax(1) == y).sum().item()
    print(f"{epoch}: train {tl / 700:.3f}/{tc / 700:.3f}   valid {vl / 400:.3f}/{vc / 400:.3f}")
