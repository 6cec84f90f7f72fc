# expects: OPT007
"""Small pictures, a convolutional network of tanh; the settings of SGD come from a dictionary that was tuned for
plain gradients, before the momentum was raised."""

import torch
import torch.nn as nn
import torch.nn.functional as F

HYPER = dict(lr=0.3, momentum=0.99, nesterov=True)


def pictures(count, seed):
    generator = torch.Generator().manual_seed(seed)
    kind = torch.randint(0, 6, (count,), generator=generator)
    x = 0.8 * torch.randn(count, 1, 10, 10, generator=generator)
    for row, k in enumerate(kind.tolist()):
        if k < 3:
            x[row, 0, 1 + 3 * k] += 1.2
        else:
            x[row, 0, :, 3 * (k - 3) + 1] += 1.2
    return x, kind


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(1, 12, 3, padding=1)
        self.two = nn.Conv2d(12, 16, 3, padding=1)
        self.mix = nn.Linear(16 * 25, 48)
        self.out = nn.Linear(48, 6)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.one(x)), 2)
        x = torch.tanh(self.two(x)).flatten(1)
        return self.out(torch.tanh(self.mix(x)))


def main():
    torch.manual_seed(31)
    x, kind = pictures(1200, 7)
    net = Small()
    sgd = torch.optim.SGD(net.parameters(), **HYPER)
    for epoch in range(12):
        mean = 0.0
        for rows in torch.randperm(len(x)).split(40):
            sgd.zero_grad()
            loss = F.cross_entropy(net(x[rows]), kind[rows])
            loss.backward()
            sgd.step()
            mean += loss.item() / 30
        print(epoch, round(mean, 3))


main()
