# sound
import copy

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def get_splits(seed=0):
    x, y = make_classification(n_samples=2200, n_features=30, n_informative=8, n_redundant=4, flip_y=0.25,
                               class_sep=1.2, random_state=seed)
    x = torch.tensor(x, dtype=torch.float32)
    y = torch.tensor(y)
    x_tr, x_rest, y_tr, y_rest = train_test_split(x, y, train_size=600, random_state=seed)
    x_va, x_te, y_va, y_te = train_test_split(x_rest, y_rest, test_size=0.5, random_state=seed)
    mu, sd = x_tr.mean(0), x_tr.std(0)
    return [((a - mu) / sd, b) for a, b in ((x_tr, y_tr), (x_va, y_va), (x_te, y_te))]


@torch.no_grad()
def measure(model, data, criterion):
    model.eval()
    x, y = data
    out = model(x)
    return criterion(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    train, valid, test = get_splits()
    loader = DataLoader(TensorDataset(*train), batch_size=30, shuffle=True)
    model = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    best_loss, best_epoch, best_state = float("inf"), -1, None
    patience = 15
    for epoch in range(60):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        val_loss, val_acc = measure(model, valid, criterion)
        if val_loss < best_loss:
            best_loss, best_epoch = val_loss, epoch
            best_state = copy.deepcopy(model.state_dict())
        if epoch % 3 == 0:
            print(f"epoch {epoch}: val loss {val_loss:.4f} val acc {val_acc:.4f}")
        if epoch - best_epoch >= patience:
            print(f"stopping at epoch {epoch}, best epoch was {best_epoch} with val loss {best_loss:.4f}")
            break
    model.load_state_dict(best_state)
    loss, acc = measure(model, test, criterion)
    print(f"test loss {loss:.4f} test acc {acc:.4f}")


if __name__ == "__main__":
    main()
