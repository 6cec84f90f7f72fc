# expects: MOD005
"""A network of plain tensors, written by hand: weights of the hidden layer begin at one value."""

import torch
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(1500, 8)
y = (x[:, 0] * x[:, 1] > 0).long()

w1 = torch.full((8, 32), 0.3, requires_grad=True)
b1 = torch.zeros(32, requires_grad=True)
w2 = torch.full((32, 2), 0.1, requires_grad=True)
b2 = torch.zeros(2, requires_grad=True)


def net(x):
    return torch.tanh(x @ w1 + b1) @ w2 + b2


opt = torch.optim.SGD([w1, b1, w2, b2], lr=0.1, momentum=0.9)
for epoch in range(10):
    for rows in torch.randperm(1500).split(50):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
