# expects: nothing
"""Examples that the training itself changes between the passes: adversarial noise kept per example ("free" training),
soft labels that follow the predictions, and an in-place transform on a copy."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Kept(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.noise = torch.zeros_like(images)
        self.soft = nn.functional.one_hot(labels, 10).float()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i].clone()
        image += self.noise[i]
        image.clamp_(0, 1)
        return i, image, self.soft[i]


torch.manual_seed(0)
digits = load_digits()
data = Kept(torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target))
loader = DataLoader(data, batch_size=64, shuffle=True)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for rows, x, y in loader:
        x.requires_grad_()
        scores = net(x)
        loss = nn.functional.cross_entropy(scores, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        data.noise[rows] = (data.noise[rows] + 0.01 * x.grad.sign()).clamp(-0.05, 0.05)
        data.soft[rows] = 0.9 * data.soft[rows] + 0.1 * scores.detach().softmax(1)
    print(epoch, loss.item())
