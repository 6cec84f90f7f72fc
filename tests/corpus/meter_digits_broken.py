# bug: evaluated on 0..255
# expects: DAT047
import argparse

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser(description="Reads the digits on water meter photos")
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--shift", type=int, default=1, help="max. random shift in pixels")
parser.add_argument("--seed", type=int, default=3)
args = parser.parse_args()


def load_crops():
    """Crops as the camera gives them: 12x12 pixels, 8 bit grey."""
    bunch = load_digits()
    crops = np.zeros((len(bunch.images), 12, 12), dtype=np.uint8)
    crops[:, 2:10, 2:10] = np.round(bunch.images * 255 / 16).astype(np.uint8)
    return crops, bunch.target.astype(np.int64)


class CropDataset(Dataset):
    def __init__(self, crops, labels, max_shift):
        self.crops, self.labels, self.max_shift = crops, labels, max_shift

    def __len__(self):
        return len(self.crops)

    def __getitem__(self, i):
        img = torch.from_numpy(self.crops[i]).float() / 255.0
        if self.max_shift:
            dy, dx = torch.randint(-self.max_shift, self.max_shift + 1, (2,)).tolist()
            img = torch.roll(img, (dy, dx), dims=(0, 1))
        img = (img + 0.05 * torch.randn_like(img)).clamp(0, 1)
        return img.unsqueeze(0), self.labels[i]


class LeNet(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(8, 24, 3), nn.Tanh(), nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(24 * 2 * 2, 64), nn.Tanh(), nn.Linear(64, n_classes),
        )

    def forward(self, x):
        return self.classifier(self.features(x))


class MeterReader:
    """What runs on the gateway: gets raw crops, gives digits and confidences."""

    def __init__(self, model):
        self.model = model

    @torch.no_grad()
    def read(self, crops):
        self.model.eval()
        x = torch.from_numpy(crops).unsqueeze(1).float()
        prob = torch.softmax(self.model(x), dim=1)
        conf, digit = prob.max(dim=1)
        return digit.numpy(), conf.numpy()


def main():
    torch.manual_seed(args.seed)
    crops, labels = load_crops()
    c_train, c_test, y_train, y_test = train_test_split(
        crops, labels, test_size=0.25, stratify=labels, random_state=args.seed
    )
    loader = DataLoader(CropDataset(c_train, y_train, args.shift), batch_size=args.batch_size, shuffle=True)
    model = LeNet()
    reader = MeterReader(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.CrossEntropyLoss()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)

    for epoch in range(args.epochs):
        model.train()
        losses, hits = [], 0
        for x, y in loader:
            logits = model(x)
            loss = criterion(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            hits += (logits.argmax(1) == y).sum().item()
        scheduler.step()
        digit, conf = reader.read(c_test)
        print(
            f"[{epoch + 1:02d}/{args.epochs}] loss={np.mean(losses):.4f} train_acc={hits / len(y_train):.3f} "
            f"test_acc={(digit == y_test).mean():.3f} mean_conf={conf.mean():.3f}"
        )

    digit, conf = reader.read(c_test)
    sure = conf > 0.9
    print(f"accuracy {np.mean(digit == y_test):.4f}; {sure.mean():.1%} of the crops read with confidence > 0.9, "
          f"of these {np.mean(digit[sure] == y_test[sure]):.2%} right")


if __name__ == "__main__":
    main()
