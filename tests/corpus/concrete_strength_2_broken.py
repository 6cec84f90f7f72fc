# bug: lr_lambda counts in epochs (warm-up and cosine over args.epochs) but scheduler.step() is called after every batch, so the rate swings up and down every few epochs and ends at its peak
# expects: OPT011
"""Train an MLP ensemble-free regressor on synthetic concrete-mix data.

Usage: python train.py [--epochs N] [--batch-size N] [--lr LR] ...
"""
import argparse
import logging
import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
logger = logging.getLogger("concrete")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Concrete strength regression")
    parser.add_argument("--samples", type=int, default=12800)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--warmup-epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.25)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--hidden", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-interval", type=int, default=2)
    return parser.parse_args()


def build_dataset(n: int, seed: int) -> TensorDataset:
    """Eight mix components in [0, 1]; strength is a smooth nonlinear response with batch-to-batch scatter."""
    gen = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 8, generator=gen)
    cement, slag, ash, water, plast, coarse, fine, age = x.unbind(1)
    ratio = (0.3 + water) / (0.5 + cement + 0.6 * slag)
    cure = torch.log1p(9 * age) / math.log(10)
    y = 2.2 * torch.exp(-1.4 * ratio) * cure + 0.5 * torch.sin(5 * ash * plast)
    y = y + 0.8 * (coarse - 0.5) * (fine - 0.5) + 0.3 * plast * (1 - water)
    y = y + 0.3 * torch.randn(n, generator=gen)
    return TensorDataset(2 * x - 1, y.unsqueeze(1))


def build_model(hidden: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, 1),
    )


def build_scheduler(optimizer: torch.optim.Optimizer, args: argparse.Namespace) -> LambdaLR:
    """Linear warm-up followed by cosine decay to zero."""

    def lr_lambda(epoch: int) -> float:
        if epoch < args.warmup_epochs:
            return (epoch + 1) / args.warmup_epochs
        progress = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
        return 0.5 * (1.0 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, lr_lambda)


def train_one_epoch(model, loader, optimizer, scheduler, criterion) -> float:
    model.train()
    total = 0.0
    for features, target in loader:
        optimizer.zero_grad()
        loss = criterion(model(features), target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(features)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, criterion) -> float:
    model.eval()
    total = sum(criterion(model(f), t).item() * len(f) for f, t in loader)
    return total / len(loader.dataset)


def main() -> None:
    args = parse_args()
    torch.manual_seed(args.seed)

    dataset = build_dataset(args.samples, args.seed)
    n_train = int(0.625 * len(dataset))
    train_set, test_set = random_split(dataset, [n_train, len(dataset) - n_train])
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=512)

    model = build_model(args.hidden)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum, weight_decay=1e-4)
    scheduler = build_scheduler(optimizer, args)
    criterion = nn.MSELoss()
    logger.info("train=%d test=%d params=%d", len(train_set), len(test_set), sum(p.numel() for p in model.parameters()))

    for epoch in range(1, args.epochs + 1):
        train_loss = train_one_epoch(model, train_loader, optimizer, scheduler, criterion)
        if epoch % args.log_interval == 0:
            logger.info("epoch %d train_mse %.4f test_mse %.4f", epoch, train_loss, evaluate(model, test_loader, criterion))

    logger.info("final test_mse %.4f (irreducible scatter 0.0900)", evaluate(model, test_loader, criterion))


if __name__ == "__main__":
    main()
