# sound: validation accuracy over the validation loader
"""Few noisy samples: a classifier that memorises."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Wide(nn.Module):
    def __init__(self, n_hidden):
        super().__init__()
        self.hidden = nn.Linear(64, n_hidden)
        self.out = nn.Linear(n_hidden, 10)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


class Experiment:
    def __init__(self, seed=0):
        torch.manual_seed(seed)
        d = load_digits()
        x, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
        noisy = torch.rand(len(y)) < 0.2
        y[noisy] = torch.randint(0, 10, (int(noisy.sum()),))
        train, val, _ = random_split(TensorDataset(x, y), [500, 500, 797])
        self.train_loader = DataLoader(train, batch_size=25, shuffle=True)
        self.val_loader = DataLoader(val, batch_size=125)
        self.model = Wide(256)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-3)
        self.criterion = nn.CrossEntropyLoss()

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss = hits = n = 0
        for x, y in self.val_loader:
            out = self.model(x)
            loss += self.criterion(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, hits / n


def main():
    exp = Experiment()
    n_epochs = 10
    for epoch in range(n_epochs):
        train_loss = exp.train_epoch()
        val_loss, val_acc = exp.validate()
        print(f"epoch {epoch:2d} train loss {train_loss:.4f} val loss {val_loss:.4f} val accuracy {val_acc:.3f}")


if __name__ == "__main__":
    main()
