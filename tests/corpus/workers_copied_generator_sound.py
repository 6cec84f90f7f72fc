# sound: augmentation drawn from torch's generator, which the loader seeds differently in each worker
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

N_CLASSES, LENGTH, CROP = 5, 80, 48


class Waves(Dataset):
    """Random crops of noisy recordings of five instruments."""

    def __init__(self, n, seed, augment):
        rng = np.random.default_rng(seed)
        t = np.arange(LENGTH)
        self.y = rng.integers(0, N_CLASSES, n)
        pitch = 0.15 + 0.1 * rng.random(n)
        waves = np.zeros((n, LENGTH))
        for harmonic in range(1, 5):
            strength = np.where(self.y == harmonic, 1.5, 0.4)
            waves += strength[:, None] * np.sin(harmonic * pitch[:, None] * t + rng.random((n, 1)) * 6.28)
        self.x = (waves + 0.4 * rng.standard_normal(waves.shape)).astype(np.float32)
        self.augment = augment

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.from_numpy(self.x[i])
        if self.augment:
            start = torch.randint(0, LENGTH - CROP, ()).item()
            gain = 0.7 + 0.6 * torch.rand(()).item()
        else:
            start, gain = (LENGTH - CROP) // 2, 1.0
        return gain * x[start:start + CROP].unsqueeze(0), int(self.y[i])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(1, 16, 7, padding=3)
        self.c2 = nn.Conv1d(16, 24, 5, stride=2)
        self.fc = nn.Linear(24, N_CLASSES)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.relu(self.c2(x))
        return self.fc(x.mean(-1))


def main():
    torch.manual_seed(40)
    train = DataLoader(Waves(1200, 1, augment=True), batch_size=40, shuffle=True, num_workers=2)
    valid = DataLoader(Waves(300, 2, augment=False), batch_size=100)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for x, y in train:
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            acc = sum((net(x).argmax(1) == y).sum().item() for x, y in valid) / 300
        print(f"epoch {epoch} loss {total / len(train):.4f} valid accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
