# expects: OPT016
# also: OPT007
"""`train_step` makes its own optimizer, every time it is called."""

import torch
import torch.nn.functional as F

torch.manual_seed(0)
inputs = torch.rand(500, 5)
outputs = torch.stack([inputs.prod(1), inputs.sum(1)], dim=1)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(5, 32)
        self.b = torch.nn.Linear(32, 2)

    def forward(self, x):
        return self.b(F.silu(self.a(x)))


def train_step(net, x, y):
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    opt.zero_grad()
    loss = F.mse_loss(net(x), y)
    loss.backward()
    opt.step()
    return loss.item()


net = Net()
for step in range(400):
    rows = torch.randint(0, 500, (32,))
    value = train_step(net, inputs[rows], outputs[rows])
    if step % 100 == 0:
        print(step, value)
