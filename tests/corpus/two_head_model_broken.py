# bug: the regression head's loss is added to the total as loss.item(), a plain number, so that head never receives a gradient
# expects: LOS044
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class TwoHeadNet(nn.Module):
    """Shared trunk with a class head and an intensity head."""

    def __init__(self, n_in, n_classes):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.class_head = nn.Linear(64, n_classes)
        self.value_head = nn.Linear(64, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.class_head(h), self.value_head(h).squeeze(1)


def build_dataset(n=2400):
    x = torch.randn(n, 10)
    scores = torch.stack([x[:, 0] + x[:, 1], x[:, 2] * 1.5, -x[:, 0] + x[:, 3]], dim=1)
    cls = scores.argmax(1)
    value = torch.sin(x[:, 4] * 1.5) + 0.7 * x[:, 5] * x[:, 6] + 0.1 * torch.randn(n)
    return TensorDataset(x, cls, value)


def main():
    torch.manual_seed(3)
    train_set, test_set = random_split(build_dataset(), [2000, 400])
    train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=200)
    model = TwoHeadNet(10, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    ce, mse = nn.CrossEntropyLoss(), nn.MSELoss()

    for epoch in range(14):
        model.train()
        log = 0.0
        for x, cls, value in train_loader:
            logits, pred = model(x)
            loss_cls = ce(logits, cls)
            loss_value = mse(pred, value)
            total = loss_cls + 0.5 * loss_value.item()
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            log += total.item()
        model.eval()
        hits, sq = 0, 0.0
        with torch.no_grad():
            for x, cls, value in test_loader:
                logits, pred = model(x)
                hits += (logits.argmax(1) == cls).sum().item()
                sq += ((pred - value) ** 2).sum().item()
        print(f"epoch {epoch:2d} total {log / len(train_loader):.3f} "
              f"test acc {hits / len(test_set):.3f} test value mse {sq / len(test_set):.3f}")


if __name__ == "__main__":
    main()
