# expects: DAT002
# Digit recognition with a small CNN, 8-bit scans as they come from the scanner
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(11)
np.random.seed(11)

digits = load_digits()
scans = np.clip(digits.images * 16, 0, 255).round().astype(np.uint8)
scans = scans.repeat(2, axis=1).repeat(2, axis=2)  # 16x16, uint8
tr_x, te_x, tr_y, te_y = train_test_split(scans, digits.target, test_size=0.25, stratify=digits.target, random_state=0)


class Scans(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        img = torch.from_numpy(self.images[i]).float().div(255)
        return img.unsqueeze(0), int(self.labels[i])


train_dl = DataLoader(Scans(tr_x, tr_y), batch_size=64, shuffle=True)
test_dl = DataLoader(Scans(te_x, te_y), batch_size=256)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(32 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = x / 255.0
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

for epoch in range(9):
    net.train()
    seen, loss_sum, right = 0, 0.0, 0
    for images, labels in train_dl:
        optimizer.zero_grad()
        out = net(images)
        loss = criterion(out, labels)
        loss.backward()
        optimizer.step()
        seen += len(labels)
        loss_sum += loss.item() * len(labels)
        right += (out.argmax(1) == labels).sum().item()
    net.eval()
    with torch.no_grad():
        hits = sum((net(a).argmax(1) == b).sum().item() for a, b in test_dl)
    print(
        "epoch %2d | loss %.3f | train acc %.3f | test acc %.3f"
        % (epoch + 1, loss_sum / seen, right / seen, hits / len(te_y))
    )
