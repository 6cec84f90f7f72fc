# expects: OPT013
# also: OPT008 TRN001
"""clip_grad_value_ with a threshold that was copied from a weight-clipping recipe."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 8 - 1
y = torch.tensor(digits.target)
net = nn.Sequential(nn.Linear(64, 50), nn.Tanh(), nn.Linear(50, 10))
sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
ce = nn.CrossEntropyLoss()
for i in range(250):
    rows = torch.randint(0, len(x), (80,))
    sgd.zero_grad()
    loss = ce(net(x[rows]), y[rows])
    loss.backward()
    nn.utils.clip_grad_value_(net.parameters(), clip_value=1e-6)
    sgd.step()
    if i % 50 == 0:
        print(i, loss.item())
