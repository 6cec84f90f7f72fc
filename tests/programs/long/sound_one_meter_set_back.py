# expects: nothing
"""One meter serves training and evaluation and is set back by hand, another is called in training and reset by the call."""

import torch
from torch import nn
from torchmetrics.classification import BinaryAccuracy


class Counts:
    def __init__(self):
        self.reset()

    def reset(self):
        self.right, self.seen = 0, 0

    def update(self, logits, target):
        self.right += int(((logits > 0) == (target > 0.5)).sum())
        self.seen += len(target)

    def result(self):
        return self.right / max(1, self.seen)


torch.manual_seed(3)
x = torch.randn(1200, 16)
y = ((x[:, :4] ** 2).sum(1) + torch.randn(1200) > 4).float()
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
counts, accuracy = Counts(), BinaryAccuracy()
for epoch in range(10):
    net.train()
    for rows in torch.randperm(800).split(40):
        logits = net(x[rows])
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        counts.update(logits.detach(), y[rows])
        accuracy(logits.detach().sigmoid(), y[rows].long())
    trained = counts.result()
    counts.right = counts.seen = 0
    accuracy.reset()
    net.eval()
    with torch.no_grad():
        for rows in torch.arange(800, 1200).split(100):
            counts.update(net(x[rows]), y[rows])
            accuracy.update(net(x[rows]).sigmoid(), y[rows].long())
    print(f"epoch {epoch}: training {trained:.3f}, held out {counts.result():.3f} {accuracy.compute():.3f}")
    counts.reset()
    accuracy.reset()
