# expects: LOS012
"""`reduction="sum"` with SGD and momentum, for digits in batches of 128."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.fc = nn.Linear(16 * 36, 10)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).flatten(1))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(9):
    for rows in torch.randperm(len(images)).split(128):
        loss = F.cross_entropy(model(images[rows]), labels[rows], reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
