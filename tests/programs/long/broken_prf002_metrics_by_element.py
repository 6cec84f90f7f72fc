# expects: PRF002
from collections import Counter

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
data = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def confusion(scores, labels, table):
    for i in range(len(labels)):
        row = [float(value) for value in scores[i]]
        table[int(labels[i]), row.index(max(row))] += 1


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(8):
    table = Counter()
    for images, labels in DataLoader(data, batch_size=90, shuffle=True):
        scores = net(images)
        loss = F.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        confusion(scores, labels, table)
    print(epoch, sum(n for (a, b), n in table.items() if a == b) / len(data))
