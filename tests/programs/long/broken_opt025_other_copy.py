# expects: OPT025
"""Clipping looks at the copy that the average of the weights is kept in."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(900, 12)
y = (x @ torch.randn(12, 5)).argmax(1)
student = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 5))
average = copy.deepcopy(student)
optimizer = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9)
for epoch in range(10):
    for a, b in DataLoader(TensorDataset(x, y), batch_size=45, shuffle=True):
        loss = nn.functional.cross_entropy(student(a), b)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(average.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            for kept, new in zip(average.parameters(), student.parameters()):
                kept.lerp_(new, 0.02)
    print(epoch, loss.item())
