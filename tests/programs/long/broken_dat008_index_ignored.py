# expects: DAT008
# also: DAT004
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, split):
        data = load_digits()
        part = slice(0, 1500) if split == "train" else slice(1500, None)
        self.images = data.images[part].astype("float32") / 16
        self.labels = data.target[part]
        self.index = 0

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = torch.tensor(self.images[self.index]).flatten()
        return image, int(self.labels[index])


torch.manual_seed(0)
loader = DataLoader(Digits("train"), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(7):
    total = 0.0
    for image, label in loader:
        loss = nn.functional.cross_entropy(model(image), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))
