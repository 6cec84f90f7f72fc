# expects: nothing
"""A network of plain tensors whose last layer begins at 0, and factors of a table of ratings beside each other."""

import math

import torch
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(1500, 8)
y = (x[:, 0] * x[:, 1] > 0).long()

w1 = (torch.randn(8, 32) / math.sqrt(8)).requires_grad_()
b1 = torch.zeros(32, requires_grad=True)
w2 = torch.zeros(32, 2, requires_grad=True)
b2 = torch.zeros(2, requires_grad=True)
opt = torch.optim.Adam([w1, b1, w2, b2], lr=5e-3)
for epoch in range(10):
    for rows in torch.randperm(1500).split(50):
        loss = F.cross_entropy(torch.tanh(x[rows] @ w1 + b1) @ w2 + b2, y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

ratings = torch.randn(60, 5) @ torch.randn(5, 40)
users, items = torch.zeros(60, 5, requires_grad=True), torch.randn(5, 40, requires_grad=True)
opt = torch.optim.Adam([users, items], lr=2e-2)
for step in range(400):
    loss = F.mse_loss(users @ items, ratings)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
