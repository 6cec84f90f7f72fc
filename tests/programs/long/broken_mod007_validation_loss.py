# expects: MOD007
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def make_model():
    return nn.Sequential(
        nn.Linear(16, 48),
        nn.BatchNorm1d(48),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(48, 48),
        nn.ReLU(),
        nn.Linear(48, 1),
    )


def run_epoch(model, loader, criterion, optimizer=None):
    total = 0.0
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            loss = criterion(model(x), y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(x)
    return total / len(loader.dataset)


def main():
    torch.manual_seed(0)
    x = torch.randn(1200, 16)
    y = torch.tanh(x @ torch.randn(16, 1)) + 0.1 * torch.randn(1200, 1)
    train, valid = random_split(TensorDataset(x, y), [960, 240])
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    criterion = nn.MSELoss()
    for epoch in range(10):
        fitted = run_epoch(model, DataLoader(train, 48, shuffle=True, drop_last=True), criterion, optimizer)
        held_out = run_epoch(model, DataLoader(valid, 60), criterion)
        print(f"{epoch:2d} train {fitted:.4f} valid {held_out:.4f}")


main()
