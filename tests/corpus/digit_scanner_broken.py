# bug: the training loop calls next(batches(...)) each step, so a freshly seeded loader is built every step and gives the same first batch each time
# expects: DAT004
import argparse
import time

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=900)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=0.05)
    p.add_argument("--log-every", type=int, default=100)
    p.add_argument("--seed", type=int, default=42)
    return p.parse_args()


def datasets(seed):
    raw = load_digits()
    images = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16.0
    labels = torch.tensor(raw.target)
    train_idx, test_idx = train_test_split(
        range(len(labels)), test_size=0.3, stratify=raw.target, random_state=seed
    )
    return TensorDataset(images[train_idx], labels[train_idx]), TensorDataset(images[test_idx], labels[test_idx])


def batches(dataset, batch_size, seed):
    """Endless stream of shuffled batches."""
    gen = torch.Generator().manual_seed(seed)
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=True, generator=gen)
    while True:
        yield from loader


class Scanner(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 3, padding=1)
        self.conv2 = nn.Conv2d(24, 48, 3, padding=1)
        self.conv3 = nn.Conv2d(48, 48, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(48 * 4, 10)

    def forward(self, x):
        x = self.pool(self.conv1(x).relu())
        x = self.conv2(x).relu()
        x = self.pool(self.conv3(x).relu())
        return self.fc(x.flatten(1))


def test_accuracy(model, dataset):
    model.eval()
    x, y = dataset.tensors
    with torch.no_grad():
        acc = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return acc


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    train_set, test_set = datasets(args.seed)
    model = Scanner()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=args.steps)

    model.train()
    began = time.perf_counter()
    running = 0.0
    for step in range(1, args.steps + 1):
        x, y = next(batches(train_set, args.batch_size, args.seed))
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        running += loss.item()
        if step % args.log_every == 0:
            print(f"step {step:4d}  loss {running / args.log_every:.4f}  "
                  f"test acc {test_accuracy(model, test_set):.4f}  {time.perf_counter() - began:.1f}s")
            running = 0.0
    print(f"done: test acc {test_accuracy(model, test_set):.4f} on {len(test_set)} scans")


if __name__ == "__main__":
    main()
