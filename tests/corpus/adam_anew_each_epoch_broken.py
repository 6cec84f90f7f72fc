# bug: a new Adam is made in each epoch (inside the train function), so its moments are lost
# expects: OPT016
"""Federated-looking but plain: trains a CNN in many short epochs on small shards of digits."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10),
    )


def train_epoch(model, loader, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    model.train()
    total, n = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def test(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(31)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(d.target)
    full = TensorDataset(x[:1400], y[:1400])
    shards = [Subset(full, range(k, 1400, 14)) for k in range(14)]
    model = conv_net()
    lr = 5e-3
    for epoch in range(56):
        loader = DataLoader(shards[epoch % 14], batch_size=25, shuffle=True)
        loss = train_epoch(model, loader, lr)
        if epoch % 8 == 7:
            test_loss, acc = test(model, x[1400:], y[1400:])
            print(f"epoch {epoch + 1}: train {loss:.4f} test {test_loss:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
