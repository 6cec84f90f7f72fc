# sound: the same program without that
# %% digits with a small convnet
import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(42)

# %% data
X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 1, 8, 8) / 16.0
Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.25, random_state=42, stratify=y)
Xtr, Xte = torch.tensor(Xtr, dtype=torch.float32), torch.tensor(Xte, dtype=torch.float32)
ytr, yte = torch.tensor(ytr), torch.tensor(yte)
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(Xtr, ytr), batch_size=64, shuffle=True)

# %% model
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10),
)
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

# %% train
history = []
for epoch in range(20):
    net.train()
    for xb, yb in dl:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(xb), yb)
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    net.eval()
    with torch.no_grad():
        logits = net(Xte)
        print("epoch %2d | train %.4f | test %.4f | acc %.4f" % (
            epoch, sum(history[-len(dl):]) / len(dl), F.cross_entropy(logits, yte), (logits.argmax(1) == yte).float().mean()))
