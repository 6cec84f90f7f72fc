# expects: nothing
"""A narrow, deep MobileNet-like classifier for 8x8 meter digits."""
import argparse
import time

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def conv_bn(c_in, c_out, k, stride=(1, 1), groups=1, act=True):
    mods = [nn.Conv2d(c_in, c_out, k, stride=stride, padding=k // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    if act:
        mods.append(nn.ReLU6())
    return nn.Sequential(*mods)


class InvertedBlock(nn.Module):
    def __init__(self, c_in, c_out, stride, expand):
        super().__init__()
        mid = c_in * expand
        self.use_skip = stride == (1, 1) and c_in == c_out
        self.body = nn.Sequential(
            conv_bn(c_in, mid, 1),
            conv_bn(mid, mid, 3, stride=stride, groups=mid),
            conv_bn(mid, c_out, 1, act=False),
        )

    def forward(self, x):
        return x + self.body(x) if self.use_skip else self.body(x)


class TinyMobile(nn.Module):
    # channels, number of blocks, stride of the first block
    LAYOUT = [(12, 8, (1, 1)), (20, 12, (2, 2))]

    def __init__(self, classes=10, expand=2):
        super().__init__()
        c = self.LAYOUT[0][0]
        blocks = [conv_bn(1, c, 3)]
        for width, repeats, first in self.LAYOUT:
            for i in range(repeats):
                blocks.append(InvertedBlock(c, width, first if i == 0 else (1, 1), expand))
                c = width
        self.features = nn.Sequential(*blocks)
        self.head = nn.Sequential(conv_bn(c, 64, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))

    def forward(self, x):
        return self.head(self.features(x))


def evaluate(model, loader):
    model.eval()
    right = count = 0
    with torch.inference_mode():
        for x, y in loader:
            right += (model(x).argmax(1) == y).sum().item()
            count += len(y)
    return right / count


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 8.0 - 1.0
    y = torch.tensor(d.target)
    train_set, val_set = random_split(TensorDataset(x, y), [1437, 360], generator=torch.Generator().manual_seed(args.seed))
    train = DataLoader(train_set, args.batch, shuffle=True, drop_last=True)
    val = DataLoader(val_set, 180)

    model = TinyMobile()
    opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, nesterov=True, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, args.lr, epochs=args.epochs, steps_per_epoch=len(train))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(args.epochs):
        model.train()
        t0, acc_loss = time.time(), 0.0
        for xb, yb in train:
            loss = criterion(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            acc_loss += loss.item()
        print(f"epoch {epoch}: loss {acc_loss / len(train):.3f} val acc {evaluate(model, val):.3f} ({time.time() - t0:.1f}s)")


if __name__ == "__main__":
    main()
