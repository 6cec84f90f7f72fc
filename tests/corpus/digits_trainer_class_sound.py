# sound
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.output = nn.Linear(32, 10)
        self.final = nn.Identity()

    def forward(self, x):
        return self.final(self.output(self.body(x)))


class Trainer:
    def __init__(self, model, train_loader, test_loader, lr=0.05):
        self.model = model
        self.train_loader = train_loader
        self.test_loader = test_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.history = []

    def train_one_epoch(self):
        self.model.train()
        loss_sum, seen = 0.0, 0
        for inputs, targets in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(inputs), targets)
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.item() * inputs.size(0)
            seen += inputs.size(0)
        return loss_sum / seen

    def evaluate(self):
        self.model.eval()
        right, seen = 0, 0
        with torch.no_grad():
            for inputs, targets in self.test_loader:
                right += (self.model(inputs).argmax(dim=1) == targets).sum().item()
                seen += targets.size(0)
        return right / seen

    def fit(self, epochs):
        for epoch in range(1, epochs + 1):
            loss, acc = self.train_one_epoch(), self.evaluate()
            self.history.append((loss, acc))
            print(f"Epoch {epoch:02d} | loss {loss:.4f} | test accuracy {acc:.4f}")


def loaders():
    x, y = load_digits(return_X_y=True)
    parts = train_test_split(x.astype("float32") / 16 - 0.3, y, test_size=0.25, random_state=1, stratify=y)
    x_tr, x_te, y_tr, y_te = map(torch.as_tensor, parts)
    return (DataLoader(TensorDataset(x_tr, y_tr), batch_size=64, shuffle=True),
            DataLoader(TensorDataset(x_te, y_te), batch_size=256))


if __name__ == "__main__":
    torch.manual_seed(0)
    Trainer(DigitNet(), *loaders()).fit(12)
