# expects: nothing
import copy

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

CLASSES = 6
EPOCHS = 21


def load_spectra(seed=15):
    """Leaf reflectance descriptors with field-scored disease classes (the scoring is noisy)."""
    x, y = make_classification(n_samples=4000, n_features=50, n_informative=14, n_redundant=6,
                               n_classes=CLASSES, n_clusters_per_class=2, class_sep=1.3,
                               flip_y=0.12, random_state=seed)
    x_tr, x_rest, y_tr, y_rest = train_test_split(x, y, test_size=0.55, stratify=y, random_state=seed)
    x_va, x_te, y_va, y_te = train_test_split(x_rest, y_rest, test_size=0.6, stratify=y_rest, random_state=seed)
    sc = StandardScaler().fit(x_tr)

    def pack(a, b):
        return TensorDataset(torch.tensor(sc.transform(a), dtype=torch.float32), torch.tensor(b))

    return pack(x_tr, y_tr), pack(x_va, y_va), pack(x_te, y_te)


def make_model(n_in):
    return nn.Sequential(
        nn.Linear(n_in, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(256, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(128, CLASSES),
    )


def train_one_epoch(model, loader, opt, metric):
    model.train()
    for x, y in loader:
        out = model(x)
        loss = nn.functional.cross_entropy(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        metric.update(out.detach(), y)
    return metric.compute().item()


@torch.no_grad()
def validate(model, loader, metric):
    model.eval()
    metric.reset()
    for x, y in loader:
        metric.update(model(x), y)
    return metric.compute().item()


def main():
    torch.manual_seed(15)
    train, val, test = load_spectra()
    train_dl = DataLoader(train, batch_size=50, shuffle=True)
    val_dl = DataLoader(val, batch_size=250)

    model = make_model(50)
    opt = torch.optim.NAdam(model.parameters(), lr=1e-3)
    accuracy = MulticlassAccuracy(num_classes=CLASSES, average="micro")

    best_acc, best_state, best_epoch = 0.0, None, -1
    for epoch in range(EPOCHS):
        accuracy.reset()
        tr_acc = train_one_epoch(model, train_dl, opt, accuracy)
        va_acc = validate(model, val_dl, accuracy)
        if va_acc > best_acc:
            best_acc, best_epoch = va_acc, epoch
            best_state = copy.deepcopy(model.state_dict())
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d}  train acc {tr_acc:.3f}  val acc {va_acc:.3f}")

    model.load_state_dict(best_state)
    model.eval()
    x_te, y_te = test.tensors
    with torch.no_grad():
        logits = model(x_te)
    te_acc = (logits.argmax(1) == y_te).float().mean().item()
    te_nll = nn.functional.cross_entropy(logits, y_te).item()
    print(f"best val acc {best_acc:.3f} at epoch {best_epoch + 1}")
    print(f"test acc {te_acc:.3f}  test nll {te_nll:.3f}")


if __name__ == "__main__":
    main()
