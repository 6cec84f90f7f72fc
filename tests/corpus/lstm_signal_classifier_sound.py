# sound
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_data(n, seed):
    """Random walks; the label says in which third of the series the marker pulse lies relative to the dip."""
    g = torch.Generator().manual_seed(seed)
    x = 0.3 * torch.randn(n, 20, 2, generator=g)
    first = torch.randint(0, 9, (n,), generator=g)
    second = torch.randint(10, 19, (n,), generator=g)
    flip = torch.rand(n, generator=g) < 0.5
    a = torch.where(flip, first, second)
    b = torch.where(flip, second, first)
    x[torch.arange(n), a, 0] += 2.0
    x[torch.arange(n), b, 1] += 2.0
    return TensorDataset(x, flip.long())


class SignalLSTM(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(input_size=2, hidden_size=hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])


def evaluate(model, loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for x, y in loader:
            correct += (model(x).argmax(1) == y).sum().item()
            total += y.numel()
    return correct / total


if __name__ == "__main__":
    torch.manual_seed(7)
    train_loader = DataLoader(make_data(2000, 1), batch_size=50, shuffle=True)
    test_loader = DataLoader(make_data(500, 2), batch_size=50)
    model = SignalLSTM()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running += loss.item()
        print(f"Epoch {epoch + 1}: loss {running / len(train_loader):.4f} test acc {evaluate(model, test_loader):.4f}")
