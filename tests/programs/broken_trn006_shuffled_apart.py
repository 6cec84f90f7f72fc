# expects: TRN006
"""The held-out features were shuffled without their labels."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 8)
y = (x @ torch.randn(8, 4)).argmax(1)
train_x, test_x, train_y, test_y = x[:1300], x[1300:], y[:1300], y[1300:]
test_x = test_x[torch.randperm(300)]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(8, 48), nn.Linear(48, 4)

    def forward(self, x):
        return self.down(torch.tanh(self.up(x)))


net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(1300).split(65):
        loss = F.cross_entropy(net(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), F.cross_entropy(net(test_x), test_y).item())
