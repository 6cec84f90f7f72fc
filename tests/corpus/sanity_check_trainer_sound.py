# sound
import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def dataset(n, seed):
    x, y = make_moons(n, noise=0.12, random_state=seed)
    g = torch.Generator().manual_seed(seed)
    x = torch.tensor(x, dtype=torch.float32)
    x = (x - torch.tensor([0.5, 0.25])) / torch.tensor([0.87, 0.5])
    extra = torch.randn(n, 8, generator=g)
    return TensorDataset(torch.cat([x, extra], 1), torch.tensor(y))


class Block(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.fc = nn.Linear(i, o, bias=False)
        self.bn = nn.BatchNorm1d(o)

    def forward(self, x):
        return torch.relu(self.bn(self.fc(x)))


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr):
        self.model = model
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)

    def validate(self):
        self.model.eval()
        loss = correct = n = 0.0
        with torch.no_grad():
            for x, y in self.val_loader:
                out = self.model(x)
                loss += self.criterion(out, y).item() * len(y)
                correct += (out.argmax(1) == y).sum().item()
                n += len(y)
        return loss / n, correct / n

    def train_epoch(self):
        self.model.train()
        total = n = 0.0
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(y)
            n += len(y)
        return total / n

    def fit(self, epochs):
        loss, acc = self.validate()
        print(f"before training: val loss {loss:.3f} acc {acc:.3f}")
        for epoch in range(1, epochs + 1):
            train_loss = self.train_epoch()
            loss, acc = self.validate()
            print(f"epoch {epoch}: train {train_loss:.3f} val {loss:.3f} acc {acc:.3f}")


if __name__ == "__main__":
    torch.manual_seed(40)
    train_loader = DataLoader(dataset(2000, 1), batch_size=50, shuffle=True)
    val_loader = DataLoader(dataset(500, 2), batch_size=250)
    layers = [Block(10, 32)] + [Block(32, 32) for _ in range(5)]
    model = nn.Sequential(*layers, nn.Linear(32, 2))
    Trainer(model, train_loader, val_loader, lr=0.01).fit(epochs=8)
