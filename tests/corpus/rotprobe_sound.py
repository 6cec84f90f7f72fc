# expects: nothing
"""Digit recognition with few labels: self-supervised rotation pretext task, then gradual fine-tuning."""
import argparse

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse_args():
    ap = argparse.ArgumentParser()
    ap.add_argument("--pretext-epochs", type=int, default=6)
    ap.add_argument("--epochs", type=int, default=32)
    ap.add_argument("--unfreeze-at", type=int, default=8)
    ap.add_argument("--batch-size", type=int, default=32)
    ap.add_argument("--head-lr", type=float, default=3e-3)
    ap.add_argument("--backbone-lr", type=float, default=1e-3)
    ap.add_argument("--labelled", type=int, default=400)
    ap.add_argument("--seed", type=int, default=7)
    return ap.parse_args()


def load(seed, labelled):
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16.0, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(y, dtype=torch.long)
    tr, te = train_test_split(np.arange(len(y)), test_size=0.3, stratify=y, random_state=seed)
    lab, _ = train_test_split(tr, train_size=labelled, stratify=y[tr], random_state=seed)
    return x[tr], (x[lab], y[lab]), (x[te], y[te])


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU())
        self.stage1 = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.stage2 = nn.Sequential(nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x):
        return self.stage2(self.stage1(self.stem(x))).flatten(1)


def pretext(backbone, images, args):
    """Predict which of four rotations was applied."""
    head = nn.Linear(192, 4)
    opt = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=2e-3)
    loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True)
    for epoch in range(args.pretext_epochs):
        total = 0.0
        for (x,) in loader:
            k = torch.randint(0, 4, (len(x),))
            x = torch.stack([torch.rot90(img, int(r), (1, 2)) for img, r in zip(x, k)])
            loss = nn.functional.cross_entropy(head(backbone(x)), k)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(x)
        print(f"pretext {epoch + 1}: loss {total / len(images):.4f}")


def freeze(module):
    for p in module.parameters():
        p.requires_grad_(False)
        p.grad = None


def unfreeze(module, optimizer, lr):
    fresh = [p for p in module.parameters() if not p.requires_grad]
    for p in module.parameters():
        p.requires_grad_(True)
    optimizer.add_param_group({"params": fresh, "lr": lr})


@torch.no_grad()
def accuracy(net, x, y):
    net.eval()
    acc = (net(x).argmax(1) == y).float().mean().item()
    net.train()
    return acc


def finetune(backbone, labelled, test, args):
    freeze(backbone)
    head = nn.Linear(192, 10)
    net = nn.Sequential(backbone, head)
    opt = torch.optim.Adam((p for p in net.parameters() if p.requires_grad), lr=args.head_lr)
    loader = DataLoader(TensorDataset(*labelled), batch_size=args.batch_size, shuffle=True)
    for epoch in range(args.epochs):
        if epoch == args.unfreeze_at:
            unfreeze(backbone, opt, args.backbone_lr)
        total = 0.0
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(x)
        if (epoch + 1) % 4 == 0:
            print(f"epoch {epoch + 1:3d}  loss {total / len(labelled[0]):.4f}  "
                  f"test acc {accuracy(net, *test):.4f}")
    return accuracy(net, *test)


def main():
    args = parse_args()
    torch.manual_seed(args.seed)
    images, labelled, test = load(args.seed, args.labelled)
    backbone = Backbone()
    pretext(backbone, images, args)
    print(f"final test accuracy {finetune(backbone, labelled, test, args):.4f}")


if __name__ == "__main__":
    main()
