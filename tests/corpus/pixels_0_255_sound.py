# sound: pixels scaled to mean 0 and standard deviation 1
"""Which photograph is this patch from? CNN on patches of two bundled pictures."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader, Dataset

SIZE = 16


class Patches(Dataset):
    def __init__(self, n, seed, transform=None):
        images = load_sample_images().images
        rng = np.random.default_rng(seed)
        self.patches, self.labels = [], []
        for _ in range(n):
            k = int(rng.integers(2))
            r, c = rng.integers(0, images[k].shape[0] - SIZE), rng.integers(0, images[k].shape[1] - SIZE)
            self.patches.append(images[k][r:r + SIZE, c:c + SIZE])
            self.labels.append(k)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        patch = torch.from_numpy(self.patches[i]).permute(2, 0, 1).float()
        if self.transform:
            patch = self.transform(patch)
        return patch, self.labels[i]


def normalise(patch):
    return (patch / 255.0 - 0.45) / 0.27


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3)
        self.conv2 = nn.Conv2d(6, 12, 3)
        self.fc1 = nn.Linear(12 * 4, 32)
        self.fc2 = nn.Linear(32, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def main():
    torch.manual_seed(2)
    transform = normalise
    train = DataLoader(Patches(1000, 0, transform), batch_size=32, shuffle=True)
    test = DataLoader(Patches(300, 1, transform), batch_size=100)
    net = LeNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(8):
        net.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            acc = np.mean([(net(x).argmax(1) == y).float().mean().item() for x, y in test])
        print(f"epoch {epoch} loss {loss.item():.4f} test accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
