# expects: nothing
"""A student and its twin, each with an optimizer of its own, both over two batches a step."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(960, 16)
y = (x @ torch.randn(16, 4) + 0.3 * torch.randn(960, 4)).argmax(1)
held, answers = x[800:], y[800:]


def network():
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))


one, other = network(), network()
of_one, of_other = (torch.optim.Adam(net.parameters(), lr=2e-3) for net in (one, other))
count = 0
for epoch in range(25):
    for rows in torch.randperm(800).split(20):
        count += 1
        for net, optimizer, smoothing in ((one, of_one, 0.1), (other, of_other, 0.0)):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows], label_smoothing=smoothing)
            (loss / 2).backward()
            if count % 2 == 0:
                optimizer.step()
                optimizer.zero_grad()
with torch.no_grad():
    print([(net(held).argmax(1) == answers).float().mean().item() for net in (one, other)])
