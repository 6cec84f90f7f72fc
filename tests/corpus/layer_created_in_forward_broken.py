# bug: the projection layer is created in forward, so it is new and random in every call and never trained
# expects: MOD001 OPT001 MOD013 MOD020
"""Two-tower fusion of tabular and 'image' features."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ImageTower(nn.Module):
    def __init__(self, out):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.out = out

    def forward(self, x):
        h = torch.relu(self.conv(x)).flatten(1)
        project = nn.Linear(h.shape[1], self.out)
        return torch.relu(project(h))


class RowTower(nn.Module):
    def __init__(self, n_in, out):
        super().__init__()
        self.fc = nn.Linear(n_in, out)

    def forward(self, x):
        return torch.relu(self.fc(x))


class Fusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = ImageTower(24)
        self.row = RowTower(8, 8)
        self.head = nn.Linear(32, 10)

    def forward(self, image, row):
        return self.head(torch.cat([self.image(image), self.row(row)], 1))


def evaluate(model, loader):
    model.eval()
    correct, n = 0, 0
    with torch.no_grad():
        for image, row, y in loader:
            correct += (model(image, row).argmax(1) == y).sum().item()
            n += len(y)
    return correct / n


def main():
    torch.manual_seed(61)
    d = load_digits()
    images = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
    rows = images.mean(dim=(1, 2)) * 2 - 1
    y = torch.tensor(d.target)
    perm = torch.randperm(len(y))
    train, test = perm[:1400], perm[1400:]
    train_loader = DataLoader(TensorDataset(images[train], rows[train], y[train]), batch_size=40, shuffle=True)
    test_loader = DataLoader(TensorDataset(images[test], rows[test], y[test]), batch_size=100)
    model = Fusion()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for image, row, target in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(image, row), target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch} loss {total / len(train_loader):.4f} test accuracy {evaluate(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
