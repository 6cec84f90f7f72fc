# sound: pos_weight from negatives / positives (its square root) for a rare foreground
"""Segmentation of small bright lesions, few pixels are foreground."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Lesions(Dataset):
    def __init__(self, n, seed, size=20):
        g = torch.Generator().manual_seed(seed)
        grid = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij"), -1).float()
        self.images, self.masks = [], []
        for _ in range(n):
            background = F.avg_pool2d(torch.randn(1, 1, size + 4, size + 4, generator=g), 5, 1)[0]
            mask = torch.zeros(1, size, size)
            for _ in range(int(torch.randint(1, 3, (1,), generator=g))):
                centre = 2 + torch.rand(2, generator=g) * (size - 4)
                mask[0][((grid - centre) ** 2).sum(-1) < 3.5] = 1
            self.images.append(background * 2 + 0.7 * mask + 0.25 * torch.randn(1, size, size, generator=g))
            self.masks.append(mask)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


class FCN(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.c1 = nn.Conv2d(1, c, 3, padding=1)
        self.c2 = nn.Conv2d(c, c, 3, padding=1)
        self.c3 = nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x):
        return self.c3(F.relu(self.c2(F.relu(self.c1(x)))))


def iou(net, loader):
    inter = union = 0.0
    with torch.no_grad():
        for x, m in loader:
            p = net(x) > 0
            inter += (p & m.bool()).sum().item()
            union += (p | m.bool()).sum().item()
    return inter / max(1.0, union)


def main():
    torch.manual_seed(0)
    train_set, test_set = Lesions(250, 0), Lesions(60, 1)
    train, test = DataLoader(train_set, batch_size=10, shuffle=True), DataLoader(test_set, batch_size=30)
    positives = sum(m.sum().item() for m in train_set.masks)
    negatives = sum((1 - m).sum().item() for m in train_set.masks)
    pos_weight = torch.tensor((negatives / positives) ** 0.5)
    net = FCN()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(8):
        net.train()
        total = 0.0
        for x, m in train:
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(x), m, pos_weight=pos_weight)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        print(f"epoch {epoch} loss {total / len(train):.5f} test IoU {iou(net, test):.4f}")


if __name__ == "__main__":
    main()
