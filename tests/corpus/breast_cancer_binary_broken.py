# bug: the accuracy compares predictions of shape (N, 1) with labels of shape (N,), which broadcasts to N x N, so the reported accuracy is wrong
# expects: TRN012
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

data, target = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(data, target, test_size=0.3, random_state=0, stratify=target)
scaler = StandardScaler()
X_train = torch.tensor(scaler.fit_transform(X_train), dtype=torch.float32)
X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32)
y_test = torch.tensor(y_test, dtype=torch.float32)

train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=16, shuffle=True)
test_loader = DataLoader(TensorDataset(X_test, y_test), batch_size=64)


class BinaryClassifier(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x)


model = BinaryClassifier(X_train.shape[1])
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)

for epoch in range(12):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb.unsqueeze(1))
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(xb)

    model.eval()
    batch_accs, sizes = [], []
    with torch.no_grad():
        for xb, yb in test_loader:
            pred = (torch.sigmoid(model(xb)) > 0.5).float()
            batch_accs.append((pred == yb).float().mean().item())
            sizes.append(len(xb))
    acc = sum(a * n for a, n in zip(batch_accs, sizes)) / sum(sizes)
    print(f"Epoch {epoch + 1:2d}: train loss {train_loss / len(X_train):.4f}  test accuracy {acc:.4f}")
