# expects: nothing
"""A recurrent network whose first state is made for one size of batch."""

import torch
from torch import nn

torch.manual_seed(0)
B = 32
x = torch.randn(1600, 10, 6)
y = (x[:, :, 0].sum(1) > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.out = nn.GRU(6, 24, batch_first=True), nn.Linear(24, 2)

    def forward(self, x):
        h = torch.zeros(1, B, 24)
        return self.out(self.gru(x, h)[0][:, -1])


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), B, shuffle=True, drop_last=True)
for epoch in range(8):
    for a, b in loader:
        loss = nn.functional.cross_entropy(net(a), b)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(loss.item())
