# expects: LOS011
"""Soft labels and scores, swapped in a cross-entropy between distributions."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 9)
soft = torch.softmax(3 * x @ torch.randn(9, 4), dim=1)


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(9, 32), nn.GELU(), nn.Linear(32, 4))

    def forward(self, x):
        return self.net(x)


student = Student()
opt = torch.optim.SGD(student.parameters(), lr=0.01, momentum=0.9)
for epoch in range(10):
    for rows in torch.randperm(800).split(40):
        loss = F.cross_entropy(soft[rows], student(x[rows]).softmax(dim=1))
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
