# bug: gradients of eight micro batches are added up, and the loss of each is a mean of its own
# expects: OPT015
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SmallConvNet(nn.Module):
    def __init__(self, width=16, n_classes=10):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.norm1 = nn.GroupNorm(4, width)
        self.conv = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.norm2 = nn.GroupNorm(4, 2 * width)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(2 * width * 4, n_classes)

    def forward(self, x):
        x = self.pool(torch.relu(self.norm1(self.stem(x))))
        x = self.pool(torch.relu(self.norm2(self.conv(x))))
        return self.head(x.flatten(1))


class Trainer:
    """Plain trainer for cards with little memory: micro batches, one optimizer step for every `accumulate` of them."""

    def __init__(self, model, train_loader, valid_loader, lr=0.1, momentum=0.9, accumulate=8, epochs=10):
        self.model = model
        self.train_loader = train_loader
        self.valid_loader = valid_loader
        self.accumulate = accumulate
        self.epochs = epochs
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)

    def fit(self):
        for epoch in range(1, self.epochs + 1):
            train_loss = self.train_epoch()
            valid_loss, valid_acc = self.validate()
            print(f"Epoch {epoch}/{self.epochs} - loss: {train_loss:.4f} - val_loss: {valid_loss:.4f} - val_acc: {valid_acc:.4f}")
        return valid_acc

    def train_epoch(self):
        self.model.train()
        seen, total = 0, 0.0
        n_batches = len(self.train_loader)
        self.optimizer.zero_grad()
        for i, (x, y) in enumerate(self.train_loader):
            loss = self.criterion(self.model(x), y)
            loss.backward()
            if (i + 1) % self.accumulate == 0 or i + 1 == n_batches:
                self.optimizer.step()
                self.optimizer.zero_grad()
            total += loss.item() * len(x)
            seen += len(x)
        return total / seen

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        total, hits, seen = 0.0, 0, 0
        for x, y in self.valid_loader:
            logits = self.model(x)
            total += self.criterion(logits, y).item() * len(x)
            hits += (logits.argmax(1) == y).sum().item()
            seen += len(x)
        return total / seen, hits / seen


def loaders(micro_batch=8):
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    targets = torch.tensor(digits.target)
    tr, va = train_test_split(range(len(targets)), test_size=0.25, stratify=digits.target, random_state=0)
    n = len(tr) // (8 * micro_batch) * 8 * micro_batch
    tr = tr[:n]
    mean, std = images[tr].mean(), images[tr].std()
    images = (images - mean) / std
    train = TensorDataset(images[tr], targets[tr])
    valid = TensorDataset(images[va], targets[va])
    return DataLoader(train, batch_size=micro_batch, shuffle=True), DataLoader(valid, batch_size=128)


if __name__ == "__main__":
    torch.manual_seed(3)
    train_loader, valid_loader = loaders()
    trainer = Trainer(SmallConvNet(), train_loader, valid_loader)
    accuracy = trainer.fit()
    print(f"validation accuracy: {accuracy:.4f}")
