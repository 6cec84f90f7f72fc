# expects: nothing
"""Accumulation over five batches; the gradients, not the losses, are divided before the step."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
x = torch.randn(1500, 12)
y = (x @ torch.randn(12, 5)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=10, shuffle=True)
net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 5))
sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
k = 5
for epoch in range(6):
    for i, (a, b) in enumerate(loader, start=1):
        loss = nn.functional.cross_entropy(net(a), b)
        loss.backward()
        if i % k == 0:
            for parameter in net.parameters():
                parameter.grad.div_(k)
            sgd.step()
            sgd.zero_grad()
    print(epoch, loss.item())
