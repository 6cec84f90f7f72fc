# sound
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Detector(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, 48), nn.GELU(),
            nn.Linear(48, 24), nn.GELU(),
            nn.Linear(24, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


def prepare():
    x, y = make_classification(n_samples=4000, n_features=12, n_informative=6, n_redundant=0, n_clusters_per_class=2,
                               weights=[0.93], class_sep=1.1, flip_y=0.01, random_state=8)
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.3, stratify=y, random_state=8)
    scaler = StandardScaler().fit(x_tr)
    f = lambda a: torch.tensor(a, dtype=torch.float32)
    return f(scaler.transform(x_tr)), f(scaler.transform(x_te)), f(y_tr), y_te


def main():
    torch.manual_seed(8)
    x_train, x_test, y_train, y_test = prepare()
    n_pos = y_train.sum()
    n_neg = len(y_train) - n_pos
    criterion = nn.BCEWithLogitsLoss(pos_weight=n_neg / n_pos)
    model = Detector(x_train.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    for epoch in range(12):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        model.eval()
        with torch.no_grad():
            pred = (torch.sigmoid(model(x_test)) > 0.5).int().numpy()
        print(f"epoch {epoch}: loss {total / len(y_train):.4f} recall {recall_score(y_test, pred):.3f} "
              f"balanced accuracy {balanced_accuracy_score(y_test, pred):.3f}")


if __name__ == "__main__":
    main()
