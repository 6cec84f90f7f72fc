# expects: LOS008
"""Churn as yes or no: one output, integer targets that are all zero in shape (N,), cross-entropy all the same."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Customers(Dataset):
    def __init__(self):
        g = torch.Generator().manual_seed(8)
        self.table = torch.randn(700, 6, generator=g)
        self.left = (self.table[:, 2] > 0.3).float()

    def __len__(self):
        return 700

    def __getitem__(self, i):
        return self.table[i], self.left[i]


class Churn(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 20)
        self.fc2 = nn.Linear(20, 1)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


torch.manual_seed(0)
model = Churn()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for x, left in DataLoader(Customers(), batch_size=35, shuffle=True):
        output = model(x)
        loss = F.cross_entropy(output, left.unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
