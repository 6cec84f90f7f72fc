# expects: DAT004
import torch
from sklearn.datasets import load_iris
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

iris = load_iris()
order = torch.randperm(150, generator=torch.Generator().manual_seed(0))
features = torch.tensor(iris.data, dtype=torch.float32)[order]
features = (features - features.mean(0)) / features.std(0)
labels = torch.tensor(iris.target)[order]


def get_batch(batch_size=30):
    return next(iter(DataLoader(TensorDataset(features, labels), batch_size=batch_size)))


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 16)
        self.b = nn.Linear(16, 3)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


torch.manual_seed(1)
model = MLP()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(200):
    x, y = get_batch()
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("done", loss.item())
