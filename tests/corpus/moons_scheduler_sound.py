# sound
import argparse

import torch
from sklearn.datasets import make_moons
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def parse():
    p = argparse.ArgumentParser(description="two-moons classifier")
    p.add_argument("--epochs", type=int, default=24)
    p.add_argument("--lr", type=float, default=0.1)
    p.add_argument("--step-size", type=int, default=8, help="epochs between learning-rate drops")
    p.add_argument("--gamma", type=float, default=0.3)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def tensors(n, seed):
    x, y = make_moons(n_samples=n, noise=0.12, random_state=seed)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def train(model, loader, optimizer, scheduler, criterion):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    scheduler.step()
    return total / len(loader.dataset)


@torch.no_grad()
def test(model, x, y, criterion):
    model.eval()
    out = model(x)
    return criterion(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    loader = DataLoader(TensorDataset(*tensors(1000, 0)), batch_size=50, shuffle=True)
    x_test, y_test = tensors(500, 1)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=args.step_size, gamma=args.gamma)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        loss = train(model, loader, optimizer, scheduler, criterion)
        if epoch % 3 == 2:
            t_loss, t_acc = test(model, x_test, y_test, criterion)
            print(f"epoch {epoch + 1:2d} loss {loss:.4f} test loss {t_loss:.4f} test acc {t_acc:.3f}")


main()
