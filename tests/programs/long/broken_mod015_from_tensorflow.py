# expects: MOD015
# also: TRN002
"""A residual block rewritten from TensorFlow, momentum 0.997 and epsilon 1e-5 included."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)


def conv_bn(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o, eps=1e-5, momentum=0.997))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.block = conv_bn(1, 12), conv_bn(12, 12)
        self.fc = nn.Linear(12 * 16, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(x + self.block(x))
        return self.fc(F.avg_pool2d(x, 2).flatten(1))


digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
net = ResNet()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)


def evaluate():
    net.eval()
    with torch.no_grad():
        accuracy = (net(images[1500:]).argmax(1) == labels[1500:]).float().mean().item()
    net.train()
    return accuracy


for epoch in range(5):
    for rows in torch.randperm(1500).split(50):
        loss = F.cross_entropy(net(images[rows]), labels[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item(), evaluate())
