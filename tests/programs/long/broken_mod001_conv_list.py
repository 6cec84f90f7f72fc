# expects: MOD001
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class Digits(nn.Module):
    """Small convolutional net for 8x8 digits."""

    def __init__(self, channels=(8, 16, 16)):
        super().__init__()
        convs, norms, before = [], [], 1
        for after in channels:
            convs.append(nn.Conv2d(before, after, 3, padding=1))
            norms.append(nn.BatchNorm2d(after))
            before = after
        self.layers = list(zip(convs, norms))
        self.fc = nn.Linear(before, 10)

    def forward(self, x):
        for conv, norm in self.layers:
            x = F.relu(norm(conv(x)))
        return self.fc(x.mean((2, 3)))


def main():
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images[:640], dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target[:640])
    net = Digits()
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(8):
        for idx in torch.randperm(640).split(32):
            opt.zero_grad()
            out = net(images[idx])
            F.cross_entropy(out, labels[idx]).backward()
            opt.step()


if __name__ == "__main__":
    main()
