# bug: zero_grad is called once per epoch, outside the batch loop
# expects: OPT003
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

np.random.seed(42)
torch.manual_seed(42)

data = load_breast_cancer()
Xtr, Xte, ytr, yte = train_test_split(data.data, data.target, test_size=0.2, stratify=data.target)
scaler = StandardScaler()
Xtr = torch.from_numpy(scaler.fit_transform(Xtr)).float()
Xte = torch.from_numpy(scaler.transform(Xte)).float()
ytr = torch.from_numpy(ytr).float().unsqueeze(1)
yte = torch.from_numpy(yte).float().unsqueeze(1)

model = nn.Sequential(
    nn.Linear(30, 32),
    nn.ReLU(),
    nn.Linear(32, 16),
    nn.ReLU(),
    nn.Linear(16, 1),
)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(Xtr, ytr), batch_size=16, shuffle=True)

history = []
for epoch in range(15):
    model.train()
    epoch_loss = 0
    optimizer.zero_grad()
    for xb, yb in loader:
        logits = model(xb)
        loss = criterion(logits, yb)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    model.eval()
    with torch.no_grad():
        test_logits = model(Xte)
        test_loss = criterion(test_logits, yte).item()
        acc = ((test_logits > 0).float() == yte).float().mean().item()
    history.append((epoch_loss / len(loader), test_loss, acc))
    print(f"Epoch {epoch+1:2d} | train loss {history[-1][0]:.4f} | test loss {test_loss:.4f} | acc {acc:.4f}")

print("best accuracy", max(h[2] for h in history))
