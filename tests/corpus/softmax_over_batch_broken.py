# bug: log_softmax is taken over dimension 0 (the batch), not over the classes
# expects: LOS002 MOD009 MOD012
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(44)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

features, labels = load_digits(return_X_y=True)
features = torch.tensor(features / 16.0, dtype=torch.float32)
labels = torch.tensor(labels)
order = torch.randperm(len(features))
train_idx, test_idx = order[:1400], order[1400:]
train_loader = DataLoader(TensorDataset(features[train_idx], labels[train_idx]), batch_size=64, shuffle=True)
test_loader = DataLoader(TensorDataset(features[test_idx], labels[test_idx]), batch_size=100)


class Maxout(nn.Module):
    def __init__(self, n_in, n_out, k=2):
        super().__init__()
        self.lin = nn.Linear(n_in, n_out * k)
        self.k = k

    def forward(self, x):
        z = self.lin(x)
        return z.view(*z.shape[:-1], -1, self.k).amax(-1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.m1 = Maxout(64, 48)
        self.m2 = Maxout(48, 32)
        self.out = nn.Linear(32, 10)

    def forward(self, x):
        x = self.m2(self.m1(x))
        return F.log_softmax(self.out(x), dim=0)


model = Model().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(10):
    model.train()
    running = 0.0
    for x, y in train_loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in test_loader:
            correct += (model(x.to(device)).argmax(1).cpu() == y).sum().item()
    print(f"epoch {epoch} | loss {running / len(train_loader):.4f} | acc {correct / len(test_idx):.4f}")
