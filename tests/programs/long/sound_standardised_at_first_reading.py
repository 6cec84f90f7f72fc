# expects: nothing
"""Each example is brought to mean 0 and deviation 1 where it lies: a second time changes nothing."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Standardised(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        image -= image.mean()
        image /= image.std()
        return image, self.labels[i]


torch.manual_seed(0)
digits = load_digits()
data = Standardised(torch.tensor(digits.data, dtype=torch.float32), torch.tensor(digits.target))
loader = DataLoader(data, batch_size=64, shuffle=True)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
