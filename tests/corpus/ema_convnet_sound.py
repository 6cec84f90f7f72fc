# sound
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class EMA:
    """Exponential moving average of a model's weights."""

    def __init__(self, model, decay=0.97):
        self.decay = decay
        self.module = copy.deepcopy(model).eval()
        self.module.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for avg, new in zip(self.module.parameters(), model.parameters()):
            avg.lerp_(new, 1 - self.decay)
        for avg, new in zip(self.module.buffers(), model.buffers()):
            avg.copy_(new)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    bunch = load_digits()
    order = torch.randperm(len(bunch.target))
    x = torch.tensor(bunch.images, dtype=torch.float32)[order].unsqueeze(1) / 16
    x = x + 0.25 * torch.randn_like(x)
    y = torch.tensor(bunch.target)[order]
    x_train, y_train, x_test, y_test = x[:1400], y[:1400], x[1400:], y[1400:]

    model = ConvNet()
    ema = EMA(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_train)).split(40):
            loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            ema.update(model)
            total += loss.item() * len(idx)
        print(f"epoch {epoch}: loss {total / len(x_train):.4f} test acc of averaged model {accuracy(ema.module, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
