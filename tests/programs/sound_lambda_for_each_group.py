# expects: nothing
"""A body that moves at a hundredth of the head's rate, by a factor for each group; the body's group comes first."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(4)
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
body, head = nn.Sequential(nn.Linear(64, 96), nn.ReLU()), nn.Linear(96, 10)
optimizer = torch.optim.Adam([{"params": body.parameters()}, {"params": head.parameters()}], lr=1e-2)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, [lambda epoch: 0.01, lambda epoch: 0.95**epoch])
for epoch in range(12):
    for rows in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(body(x[rows])), y[rows])
        loss.backward()
        optimizer.step()
    schedule.step()
    print(epoch, loss.item())
