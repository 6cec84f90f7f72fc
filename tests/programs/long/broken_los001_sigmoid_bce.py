# expects: LOS001
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)


class SpamFilter(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.fc1 = nn.Linear(n_features, 40)
        self.fc2 = nn.Linear(40, 1)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return torch.sigmoid(self.fc2(x)).squeeze(-1)


def make_data(n=1200, d=15):
    w = torch.randn(d)
    x = torch.randn(n, d)
    return TensorDataset(x, (x @ w > 0.3).float())


def main():
    loader = DataLoader(make_data(), batch_size=60, shuffle=True)
    model = SpamFilter(15)
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        running = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            opt.step()
            running += loss.item()
        print(f"epoch {epoch}  loss {running / len(loader):.4f}")


main()
