"""Digits of scikit-learn under the names and shapes of MNIST, FashionMNIST and CIFAR10; random images as FakeData."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

TRAINING = 1500


class MNIST(Dataset):
    """(28, 28) images, bytes; 1,500 for training and 297 for testing."""

    side, colours = 28, 0

    def __init__(self, root=None, train=True, transform=None, target_transform=None, download=False):
        digits = load_digits()
        order = np.random.RandomState(0).permutation(len(digits.images))
        chosen = order[:TRAINING] if train else order[TRAINING:]
        factor = self.side // 8
        margin = self.side - 8 * factor
        images = np.kron(digits.images[chosen] / 16 * 255, np.ones((1, factor, factor)))
        images = np.pad(images, ((0, 0), *[(margin // 2, margin - margin // 2)] * 2))
        self.data = self.train_data = torch.from_numpy(images.astype("uint8"))
        self.targets = torch.from_numpy(digits.target[chosen].astype("int64"))
        self.train, self.transform, self.target_transform = train, transform, target_transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        image, label = self.data[index].numpy(), int(self.targets[index])
        if self.colours:
            image = np.stack([image] * self.colours, -1)
        if self.transform:
            image = self.transform(image)
        return image, self.target_transform(label) if self.target_transform else label


class FashionMNIST(MNIST):
    pass


class CIFAR10(MNIST):
    side, colours = 32, 3


class FakeData(Dataset):
    def __init__(self, size=1000, image_size=(3, 64, 64), num_classes=10, transform=None):
        self.size, self.image_size, self.num_classes = size, image_size, num_classes

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return 2 * torch.rand(self.image_size, generator=generator) - 1, index % self.num_classes
