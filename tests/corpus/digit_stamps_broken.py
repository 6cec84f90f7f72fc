# bug: held-out images are augmented
# expects: DAT040
# %% Reading hand-stamped digits off delivery notes: small CNN on the 8x8 scans
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 30
torch.manual_seed(SEED)
np.random.seed(SEED)

# %% data
d = load_digits()
images = (d.images / 16.0).astype(np.float32)
x_tr, x_va, y_tr, y_va = train_test_split(images, d.target, test_size=0.25, stratify=d.target, random_state=SEED)
print('train', x_tr.shape, 'val', x_va.shape)


# %% dataset: stamps are never centred and ink is missing here and there
class Stamps(Dataset):
    def __init__(self, x, y, augment=True):
        self.x, self.y, self.augment = x, y, augment

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        im = self.x[i]
        if self.augment:
            im = self.jitter(im)
        return torch.from_numpy(im)[None], int(self.y[i])

    def jitter(self, im):
        dy, dx = np.random.randint(-1, 2, 2)
        im = np.roll(np.pad(im, 2), (dy, dx), (0, 1))[2:-2, 2:-2].copy()
        if np.random.rand() < 0.5:                                   # missing ink
            r, c = np.random.randint(0, 6, 2)
            im[r:r + 3, c:c + 3] = 0
        return im + np.random.normal(0, 0.15, im.shape).astype(np.float32)


train_dl = DataLoader(Stamps(x_tr, y_tr), batch_size=32, shuffle=True)
val_dl = DataLoader(Stamps(x_va, y_va), batch_size=128)


# %% model
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 24, 3, padding=1)
        self.c2 = nn.Conv2d(24, 48, 3, padding=1)
        self.b1, self.b2 = nn.BatchNorm2d(24), nn.BatchNorm2d(48)
        self.fc = nn.Linear(48 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.b1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.b2(self.c2(x))), 2)
        return self.fc(x.flatten(1))


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
EPOCHS = 18
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)

# %% training
history = []
for epoch in range(EPOCHS):
    net.train()
    tl = 0.
    for xb, yb in train_dl:
        loss = F.cross_entropy(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tl += loss.item() * len(xb)
    scheduler.step()

    net.eval()
    vl, hits = 0., 0
    with torch.no_grad():
        for xb, yb in val_dl:
            out = net(xb)
            vl += F.cross_entropy(out, yb, reduction='sum').item()
            hits += (out.argmax(1) == yb).sum().item()
    history.append((tl / len(x_tr), vl / len(x_va), hits / len(x_va)))
    print('%2d | train loss %.4f | val loss %.4f | val acc %.4f' % (epoch, *history[-1]))

# %% which digits get confused?
net.eval()
conf = np.zeros((10, 10), int)
with torch.no_grad():
    for xb, yb in val_dl:
        for t, p in zip(yb, net(xb).argmax(1)):
            conf[t, p] += 1
print('recall per digit:', np.round(conf.diagonal() / conf.sum(1), 3))
