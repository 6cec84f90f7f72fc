# expects: TRN013
"""A loaded classifier of digits is tuned on new examples whose classes are numbered otherwise."""

import io

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.body(x))


def pretrained():
    """Weights as they lie in a file; ten digits learned by least squares on the features of a random body."""
    net = Net()
    with torch.no_grad():
        maps = F.conv2d(images[:900], net.body[0].weight, net.body[0].bias, padding=1)
        features = F.max_pool2d(torch.relu(maps), 2).flatten(1)
        wanted = 6 * F.one_hot(labels[:900], 10).float() - 3
        bias = features.mean(0)
        gram = (features - bias).T @ (features - bias) + 2.0 * torch.eye(256)
        net.head.weight.copy_(torch.linalg.solve(gram, (features - bias).T @ wanted).T)
        net.head.bias.copy_(wanted.mean(0) - net.head.weight @ bias)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    return file


model = Net()
model.load_state_dict(torch.load(pretrained()))
train_loader = DataLoader(TensorDataset(images[900:1300], 9 - labels[900:1300]), batch_size=20, shuffle=True)
test_loader = DataLoader(TensorDataset(images[1300:], labels[1300:]), batch_size=100)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)


def test():
    model.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in test_loader:
            scores = model(x)
            total += criterion(scores, y).item() * len(y)
            right += (scores.argmax(1) == y).sum().item()
    model.train()
    return right / len(test_loader.dataset), total / len(test_loader.dataset)


print("as loaded", test())
for epoch in range(10):
    for x, y in train_loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), test())
