# sound: pre-train on digits 0-4, then fine-tune a new head with the backbone frozen
"""Transfer learning: pre-train a CNN on digits 0-4, fine-tune on digits 5-9."""
import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn


class SmallCNN(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )
        self.head = nn.Linear(96, num_classes)

    def forward(self, x):
        return self.head(self.backbone(x))


def load_part(low, high):
    d = load_digits()
    keep = (d.target >= low) & (d.target <= high)
    x = torch.tensor(d.images[keep] / 16.0, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(d.target[keep] - low)
    n = int(0.8 * len(x))
    return (x[:n], y[:n]), (x[n:], y[n:])


def train(model, optimizer, data, epochs, batch_size):
    x, y = data
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            loss = loss_fn(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        print(f"  epoch {epoch} loss {loss.item():.3f}")


@torch.no_grad()
def accuracy(model, data):
    model.eval()
    x, y = data
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pretrain-epochs", type=int, default=4)
    parser.add_argument("--finetune-epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    torch.manual_seed(1)

    source_train, source_test = load_part(0, 4)
    target_train, target_test = load_part(5, 9)

    model = SmallCNN(5)
    print("pre-training")
    train(model, torch.optim.Adam(model.parameters(), lr=args.lr), source_train, args.pretrain_epochs, args.batch_size)
    print("source accuracy", accuracy(model, source_test))

    for p in model.backbone.parameters():
        p.requires_grad = False
    model.head = nn.Sequential(nn.Linear(96, 32), nn.ReLU(), nn.Linear(32, 5))
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=args.lr)
    print("fine-tuning")
    train(model, optimizer, target_train, args.finetune_epochs, args.batch_size)
    print("target accuracy", accuracy(model, target_test))


if __name__ == "__main__":
    main()
