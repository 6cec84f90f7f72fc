# bug: inputs and targets are shuffled with two different permutations, so the labels are random
# expects: DAT006 TRN006
"""Small residual CNN on digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(h)))


class ResNet(nn.Module):
    def __init__(self, c=8, n_classes=10):
        super().__init__()
        self.stem = nn.Conv2d(1, c, 3, padding=1)
        self.layer1 = ResBlock(c)
        self.layer2 = ResBlock(c)
        self.fc = nn.Linear(c * 4, n_classes)

    def forward(self, x):
        x = F.max_pool2d(self.layer1(self.stem(x)), 2)
        x = F.adaptive_avg_pool2d(self.layer2(x), 2)
        return self.fc(x.flatten(1))


class DataModule:
    def __init__(self, batch_size, seed):
        g = torch.Generator().manual_seed(seed)
        raw = load_digits()
        x = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16
        y = torch.tensor(raw.target)
        x = x[torch.randperm(len(x), generator=g)]
        y = y[torch.randperm(len(y), generator=g)]
        cut = int(0.85 * len(x))
        self.train = torch.utils.data.TensorDataset(x[:cut], y[:cut])
        self.val = torch.utils.data.TensorDataset(x[cut:], y[cut:])
        self.batch_size = batch_size

    def train_dataloader(self):
        return torch.utils.data.DataLoader(self.train, self.batch_size, shuffle=True)

    def val_dataloader(self):
        return torch.utils.data.DataLoader(self.val, 128)


def main(epochs=8, lr=5e-3):
    torch.manual_seed(0)
    dm = DataModule(batch_size=64, seed=0)
    net = ResNet()
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    for epoch in range(epochs):
        net.train()
        for x, y in dm.train_dataloader():
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        correct = 0
        with torch.no_grad():
            for x, y in dm.val_dataloader():
                correct += (net(x).argmax(1) == y).sum().item()
        print(f"epoch {epoch}: loss {loss.item():.4f} val acc {correct / len(dm.val):.4f}")


if __name__ == "__main__":
    main()
