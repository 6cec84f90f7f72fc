# bug: images with values 0..255 are fed to the network without any scaling
# expects: DAT002
import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Grey 16x16 uint8 pictures of a disc, a square, a cross or a bar."""

    def __init__(self, n, seed, transform=None):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
        self.images = torch.empty(n, 16, 16, dtype=torch.uint8)
        self.labels = torch.randint(0, 4, (n,), generator=g)
        for i in range(n):
            cx, cy = (6 + 4 * torch.rand(2, generator=g)).tolist()
            r = 3.2 + 1.0 * torch.rand(1, generator=g).item()
            dx, dy = xx - cx, yy - cy
            k = int(self.labels[i])
            if k == 0:
                m = dx ** 2 + dy ** 2 <= r ** 2
            elif k == 1:
                m = torch.maximum(dx.abs(), dy.abs()) <= r * math.sqrt(math.pi) / 2
            elif k == 2:
                m = ((dx.abs() < 1) | (dy.abs() < 1)) & (torch.maximum(dx.abs(), dy.abs()) <= r)
            else:
                m = (dy.abs() < 1) & (dx.abs() <= r)
            back = 30 + 60 * torch.rand(1, generator=g).item()
            pic = back + m.float() * (90 + 70 * torch.rand(1, generator=g).item())
            pic = pic + 6 * torch.randn(16, 16, generator=g)
            self.images[i] = pic.clamp(0, 255).byte()
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = self.images[i].unsqueeze(0).float()
        if self.transform is not None:
            img = self.transform(img)
        return img, self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc1 = nn.Linear(24 * 16, 48)
        self.fc2 = nn.Linear(48, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(args, model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.6f}")


def test(model, loader):
    model.eval()
    total, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            total += F.nll_loss(output, target, reduction="sum").item()
            correct += output.argmax(1).eq(target).sum().item()
    n = len(loader.dataset)
    print(f"Test set: Average loss: {total / n:.4f}, Accuracy: {correct}/{n} ({100.0 * correct / n:.1f}%)")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--lr", type=float, default=0.05)
    p.add_argument("--momentum", type=float, default=0.9)
    p.add_argument("--log-interval", type=int, default=20)
    args = p.parse_args()
    torch.manual_seed(1)
    tf = None
    train_loader = DataLoader(Shapes(1600, 1, tf), batch_size=40, shuffle=True)
    test_loader = DataLoader(Shapes(400, 2, tf), batch_size=200)
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    for epoch in range(1, args.epochs + 1):
        train(args, model, train_loader, optimizer, epoch)
        test(model, test_loader)


if __name__ == "__main__":
    main()
