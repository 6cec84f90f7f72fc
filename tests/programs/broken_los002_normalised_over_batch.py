# expects: LOS002
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 50), nn.ReLU(), nn.Linear(50, 4))
        self.log_softmax = nn.LogSoftmax(dim=0)

    def forward(self, x):
        return self.log_softmax(self.body(x))


torch.manual_seed(2)
x = torch.randn(640, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
net = Net()
nll = nn.NLLLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(20):
    perm = torch.randperm(640)
    for k in range(0, 640, 64):
        rows = perm[k : k + 64]
        opt.zero_grad()
        nll(net(x[rows]), y[rows]).backward()
        opt.step()
