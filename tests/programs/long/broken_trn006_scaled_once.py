# expects: TRN006
"""Training images are scaled to -1..1 and inverted; the held-out ones are not."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Digits(Dataset):
    def __init__(self, part, transform=None):
        bunch = load_digits()
        rows = slice(0, 1400) if part == "train" else slice(1400, None)
        self.images = torch.tensor(bunch.images[rows], dtype=torch.float32).flatten(1) / 16
        self.labels = torch.tensor(bunch.target[rows])
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        return (self.transform(image) if self.transform else image), self.labels[i]


train = DataLoader(Digits("train", transform=lambda image: 1 - 2 * image), batch_size=50, shuffle=True)
test = DataLoader(Digits("test"), batch_size=100)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for x, y in train:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = sum(criterion(model(x), y).item() for x, y in test) / len(test)
    print(epoch, loss.item(), held_out)
