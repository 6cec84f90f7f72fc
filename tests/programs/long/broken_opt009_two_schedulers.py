# expects: OPT009
"""A GAN-like pair of optimizers with a schedule each; only one of the two is stepped."""

import torch
from torch import nn
from torch.optim.lr_scheduler import MultiStepLR

torch.manual_seed(0)
bodies = nn.ModuleDict({"a": nn.Linear(6, 16), "b": nn.Linear(6, 16)})
head = nn.Linear(16, 2)
x = torch.randn(500, 6)
y = (x[:, 0] > x[:, 1]).long()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.bodies, self.head = bodies, head

    def forward(self, v):
        return self.head(torch.relu(self.bodies["a"](v) + self.bodies["b"](v)))


model = Model()
opt_body = torch.optim.Adam(model.bodies.parameters(), lr=2e-3)
opt_head = torch.optim.SGD(model.head.parameters(), lr=0.05)
sched_body = MultiStepLR(opt_body, milestones=[10, 15])
sched_head = MultiStepLR(opt_head, milestones=[10, 15])
for epoch in range(20):
    for rows in torch.randperm(500).split(50):
        opt_body.zero_grad()
        opt_head.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        opt_body.step()
        opt_head.step()
    sched_body.step()
    if epoch % 5 == 0:
        print(epoch, loss.item(), opt_body.param_groups[0]["lr"], opt_head.param_groups[0]["lr"])
