# expects: DAT024
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, SubsetRandomSampler

torch.manual_seed(7)
np.random.seed(7)


class ScannedDigits(Dataset):
    """8x8 scans, optionally jittered by one pixel and noised."""

    def __init__(self, jitter):
        bunch = load_digits()
        self.images = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.targets = torch.tensor(bunch.target)
        self.jitter = jitter

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        img = self.images[i]
        if self.jitter:
            img = torch.roll(img, shifts=int(torch.randint(-1, 2, (1,))), dims=2)
            img = img + 0.1 * torch.randn_like(img)
        return img, self.targets[i]


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.b1 = nn.BatchNorm2d(16)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.b2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 4, 10)
        self.drop = nn.Dropout(0.25)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.b1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.b2(self.c2(x))), 2)
        return self.fc(self.drop(x.flatten(1)))


train_data, eval_data = ScannedDigits(jitter=True), ScannedDigits(jitter=False)
order = np.random.permutation(len(train_data))
n_val = int(0.2 * len(order))
n_train = len(order) - n_val
val_idx, train_idx = order[:n_val], order[n_val:]

train_loader = DataLoader(train_data, batch_size=32, sampler=SubsetRandomSampler(train_idx[:n_val]))
val_loader = DataLoader(eval_data, batch_size=256, sampler=SubsetRandomSampler(val_idx))

net = SmallNet()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)

for epoch in range(1, 21):
    net.train()
    running, seen = 0.0, 0
    for xb, yb in train_loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item() * len(yb)
        seen += len(yb)

    net.eval()
    hits = total = 0
    vloss = 0.0
    with torch.no_grad():
        for xb, yb in val_loader:
            out = net(xb)
            vloss += F.cross_entropy(out, yb, reduction="sum").item()
            hits += (out.argmax(1) == yb).sum().item()
            total += len(yb)
    if epoch % 4 == 0:
        print(f"epoch {epoch:2d}  train {running / seen:.4f}  val {vloss / total:.4f}  acc {hits / total:.4f}")
