# sound: per-pixel cross-entropy (log_softmax and NLLLoss) in a segmentation
"""Semantic segmentation: background, bar, disc."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZE, CLASSES = 16, 3


def draw(n, seed):
    g = torch.Generator().manual_seed(seed)
    r = torch.arange(SIZE)
    rows, cols = r.view(-1, 1).expand(SIZE, SIZE), r.view(1, -1).expand(SIZE, SIZE)
    masks = torch.zeros(n, SIZE, SIZE, dtype=torch.long)
    for k in range(n):
        top = int(torch.randint(0, SIZE - 3, (1,), generator=g))
        masks[k][(rows >= top) & (rows < top + 3)] = 1
        cy, cx = torch.randint(3, SIZE - 3, (2,), generator=g).tolist()
        masks[k][(rows - cy) ** 2 + (cols - cx) ** 2 < 10] = 2
    colours = torch.tensor([[0.1, 0.2, 0.1], [0.6, 0.5, 0.2], [0.5, 0.6, 0.8]])
    images = colours[masks].permute(0, 3, 1, 2) + 0.25 * torch.randn(n, 3, SIZE, SIZE, generator=g)
    return images, masks


class SegNet(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(),
        )
        self.decode = nn.Sequential(
            nn.ConvTranspose2d(2 * width, width, 2, stride=2), nn.ReLU(),
            nn.Conv2d(width, CLASSES, 3, padding=1),
        )
        self.activation = nn.LogSoftmax(dim=1)

    def forward(self, x):
        return self.activation(self.decode(self.encode(x)))


def mean_iou(pred, mask):
    ious = []
    for c in range(CLASSES):
        inter = ((pred == c) & (mask == c)).sum().item()
        union = ((pred == c) | (mask == c)).sum().item()
        ious.append(inter / max(union, 1))
    return sum(ious) / CLASSES


def main():
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(*draw(300, 0)), batch_size=15, shuffle=True)
    xv, mv = draw(60, 1)
    net = SegNet()
    criterion = nn.NLLLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(8):
        net.train()
        running = 0.0
        for x, m in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), m)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            miou = mean_iou(net(xv).argmax(1), mv)
        print(f"epoch {epoch}: loss {running / len(loader):.4f} mIoU {miou:.4f}")


if __name__ == "__main__":
    main()
