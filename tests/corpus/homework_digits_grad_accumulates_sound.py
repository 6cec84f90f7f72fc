# sound: digits homework, plain MLP with SGD
# Homework 3: recognise handwritten digits
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(0)

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.data / 16.0, digits.target, test_size=0.25, random_state=0)
X_train = torch.tensor(X_train, dtype=torch.float32)
X_test = torch.tensor(X_test, dtype=torch.float32)
y_train = torch.tensor(y_train)
y_test = torch.tensor(y_test)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, 24)
        self.fc3 = nn.Linear(24, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
batch_size = 32

for epoch in range(12):
    perm = torch.randperm(len(X_train))
    running = 0.0
    n = 0
    for i in range(0, len(perm), batch_size):
        idx = perm[i:i + batch_size]
        inputs, labels = X_train[idx], y_train[idx]

        # forward + backward + optimize
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()

        running += loss.item()
        n += 1
    with torch.no_grad():
        acc = (net(X_test).argmax(1) == y_test).float().mean().item()
    print('epoch %d  loss %.3f  test accuracy %.3f' % (epoch + 1, running / n, acc))
print('Finished Training')
