# bug: the training set is sorted by class and the loader does not shuffle
# expects: DAT003
"""Digit classification; the files of each class lie in a folder of their own."""
from collections import defaultdict

import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


def as_folders():
    folders = defaultdict(list)
    d = load_digits()
    for image, label in zip(d.images, d.target):
        folders[f"class_{label}"].append(torch.tensor(image, dtype=torch.float32) / 16)
    return folders


class FolderDataset(Dataset):
    """Reads the classes one folder after the other, as ImageFolder does."""

    def __init__(self, folders, part):
        self.classes = sorted(folders)
        self.samples = []
        for k, name in enumerate(self.classes):
            files = folders[name]
            cut = int(0.8 * len(files))
            for image in files[:cut] if part == "train" else files[cut:]:
                self.samples.append((image, k))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        image, label = self.samples[index]
        return image.unsqueeze(0), label


class SimpleCNN(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Sequential(nn.Linear(16 * 16, 32), nn.ReLU(), nn.Linear(32, n_classes))

    def forward(self, x):
        return self.fc(self.conv(x).flatten(start_dim=1))


def main():
    torch.manual_seed(64)
    folders = as_folders()
    train_set, test_set = FolderDataset(folders, "train"), FolderDataset(folders, "test")
    train_loader = DataLoader(train_set, batch_size=32)
    test_loader = DataLoader(test_set, batch_size=128)
    model = SimpleCNN(len(train_set.classes))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(8):
        model.train()
        running_loss = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        model.eval()
        correct = total = 0
        with torch.no_grad():
            for images, labels in test_loader:
                correct += (model(images).argmax(1) == labels).sum().item()
                total += labels.size(0)
        print(f"[{epoch + 1}] loss: {running_loss / len(train_loader):.3f} test accuracy: {100 * correct / total:.1f} %")


if __name__ == "__main__":
    main()
