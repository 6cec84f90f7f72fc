# bug: worker_init_fn seeds numpy with the same number in all workers and epochs, so the augmentation repeats
# expects: DAT005
"""Digits with random shifts and noise, two loader workers."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class AugmentedDigits(Dataset):
    def __init__(self, images, labels, train):
        self.images = images.astype(np.float32) / 16
        self.labels = labels
        self.train = train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.train:
            dx, dy = np.random.randint(-1, 2, size=2)
            image = np.roll(image, (dx, dy), axis=(0, 1))
            image = image * np.random.uniform(0.8, 1.2) + np.random.normal(0, 0.1, image.shape)
        return torch.tensor(image, dtype=torch.float32)[None], int(self.labels[i])


def worker_init(worker_id):
    torch.set_num_threads(1)
    np.random.seed(0)


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(24 * 16, 10),
    )


def main():
    torch.manual_seed(20)
    data = load_digits()
    train = AugmentedDigits(data.images[:1300], data.target[:1300], train=True)
    test = AugmentedDigits(data.images[1300:], data.target[1300:], train=False)
    train_loader = DataLoader(train, batch_size=32, shuffle=True, num_workers=2, worker_init_fn=worker_init)
    test_loader = DataLoader(test, batch_size=128)
    model = build_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(5):
        model.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        print(f"epoch {epoch}: loss {np.mean(losses):.4f} test accuracy {hits / len(test):.4f}")


if __name__ == "__main__":
    main()
