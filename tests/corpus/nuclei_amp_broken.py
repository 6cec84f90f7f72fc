# bug: scaled gradients are clipped
# expects: NUM005
"""Nuclei segmentation on small synthetic microscopy tiles, trained in half precision."""
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def make_tiles(n, size=32, seed=0):
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[0:size, 0:size]
    tiles = np.zeros((n, 1, size, size), dtype=np.float32)
    masks = np.zeros((n, 1, size, size), dtype=np.float32)
    for i in range(n):
        img = 0.2 + 0.15 * rng.random() * (xx / size) + 0.15 * rng.random() * (yy / size)
        for _ in range(rng.integers(2, 6)):
            cx, cy = rng.uniform(4, size - 4, 2)
            rx, ry = rng.uniform(2.5, 5.5, 2)
            inside = ((xx - cx) / rx) ** 2 + ((yy - cy) / ry) ** 2 < 1
            img = np.where(inside, img + rng.uniform(0.12, 0.3), img)
            masks[i, 0][inside] = 1.0
        tiles[i, 0] = img + rng.normal(0, 0.09, img.shape)
    return torch.from_numpy(tiles), torch.from_numpy(masks)


def double_conv(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1), nn.GroupNorm(4, cout), nn.ReLU(inplace=True),
        nn.Conv2d(cout, cout, 3, padding=1), nn.GroupNorm(4, cout), nn.ReLU(inplace=True),
    )


class MiniUNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.down1 = double_conv(1, width)
        self.down2 = double_conv(width, 2 * width)
        self.mid = double_conv(2 * width, 4 * width)
        self.up2 = double_conv(6 * width, 2 * width)
        self.up1 = double_conv(3 * width, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        c = self.up2(torch.cat([F.interpolate(c, scale_factor=2.0), b], 1))
        c = self.up1(torch.cat([F.interpolate(c, scale_factor=2.0), a], 1))
        return self.out(c)


class Trainer:
    def __init__(self, model, train_dl, val_dl, lr=0.05, epochs=5, max_norm=1.0, device="cpu"):
        self.model = model.to(device)
        self.train_dl, self.val_dl = train_dl, val_dl
        self.epochs, self.max_norm, self.device = epochs, max_norm, device
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, T_max=epochs)
        self.scaler = torch.amp.GradScaler(device, init_scale=2.0 ** 10)
        self.criterion = nn.BCEWithLogitsLoss()

    def autocast(self):
        return torch.autocast(self.device, dtype=torch.float16)

    def train_epoch(self):
        self.model.train()
        total, seen = 0.0, 0
        for x, y in self.train_dl:
            x, y = x.to(self.device), y.to(self.device)
            self.opt.zero_grad(set_to_none=True)
            with self.autocast():
                logits = self.model(x)
            loss = self.criterion(logits.float(), y)
            self.scaler.scale(loss).backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
            self.scaler.step(self.opt)
            self.scaler.update()
            total += loss.item() * len(x)
            seen += len(x)
        self.sched.step()
        return total / seen

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        inter = union = loss = 0.0
        n = 0
        for x, y in self.val_dl:
            x, y = x.to(self.device), y.to(self.device)
            with self.autocast():
                logits = self.model(x)
            logits = logits.float()
            loss += self.criterion(logits, y).item() * len(x)
            n += len(x)
            pred = (logits > 0).float()
            inter += (pred * y).sum().item()
            union += pred.sum().item() + y.sum().item()
        return loss / n, 2 * inter / max(union, 1.0)

    def fit(self):
        for epoch in range(1, self.epochs + 1):
            t0 = time.time()
            tr = self.train_epoch()
            va, dice = self.validate()
            print(f"epoch {epoch:2d}  train {tr:.4f}  val {va:.4f}  dice {dice:.3f}  ({time.time() - t0:.1f}s)")


if __name__ == "__main__":
    torch.manual_seed(11)
    x_tr, y_tr = make_tiles(256, seed=1)
    x_va, y_va = make_tiles(64, seed=2)
    mean, std = x_tr.mean(), x_tr.std()
    x_tr, x_va = (x_tr - mean) / std, (x_va - mean) / std
    Trainer(
        MiniUNet(),
        DataLoader(TensorDataset(x_tr, y_tr), batch_size=16, shuffle=True),
        DataLoader(TensorDataset(x_va, y_va), batch_size=32),
    ).fit()
