# expects: MOD007
# also: MEM002
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = load_digits()
x, y = torch.tensor(data.data, dtype=torch.float32) / 16, torch.tensor(data.target)
train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
test = DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=100)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def accuracy(loader):
    right = total = 0
    for images, labels in loader:
        right += (model(images).argmax(dim=1) == labels).sum().item()
        total += len(labels)
    return right / total


for epoch in range(7):
    for images, labels in train:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, accuracy(test))
