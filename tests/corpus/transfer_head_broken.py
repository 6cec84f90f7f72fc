# bug: the optimizer is created before the classifier head is replaced, so the new head's parameters are not in it and never change
# expects: OPT001
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class SmallCNN(nn.Module):
    def __init__(self, n_out):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )
        self.head = nn.Linear(96, n_out)

    def forward(self, x):
        return self.head(self.features(x))


def split_by_digit():
    bunch = load_digits()
    x = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(bunch.target)
    low, high = y < 5, y >= 5
    return (x[low], y[low]), (x[high], y[high] - 5)


def run_epochs(model, optimizer, loader, epochs, test=None):
    for epoch in range(epochs):
        model.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        line = f"  epoch {epoch}: loss {sum(losses) / len(losses):.4f}"
        if test is not None:
            model.eval()
            with torch.no_grad():
                line += f" test acc {(model(test[0]).argmax(1) == test[1]).float().mean().item():.4f}"
        print(line)


def main():
    torch.manual_seed(0)
    (x_src, y_src), (x_tgt, y_tgt) = split_by_digit()
    model = SmallCNN(5)
    print("source task: digits 0-4")
    run_epochs(model, torch.optim.Adam(model.parameters(), lr=2e-3),
               DataLoader(TensorDataset(x_src, y_src), batch_size=32, shuffle=True), epochs=4)

    print("target task: digits 5-9")
    for p in model.features.parameters():
        p.requires_grad = False
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.head = nn.Linear(96, 5)
    perm = torch.randperm(len(x_tgt))
    x_tgt, y_tgt = x_tgt[perm], y_tgt[perm]
    loader = DataLoader(TensorDataset(x_tgt[:650], y_tgt[:650]), batch_size=25, shuffle=True)
    run_epochs(model, optimizer, loader, epochs=9, test=(x_tgt[650:], y_tgt[650:]))


if __name__ == "__main__":
    main()
