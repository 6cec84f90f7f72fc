# expects: nothing
"""Two adapters on one frozen base, for two tasks in turn; while one is trained the other rests."""

import torch
from torch import nn

torch.manual_seed(0)


class LoraLinear(nn.Module):
    def __init__(self, base, tasks=2, rank=4):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.ParameterList(torch.randn(rank, base.in_features) / base.in_features**0.5 for _ in range(tasks))
        self.B = nn.ParameterList(torch.zeros(base.out_features, rank) for _ in range(tasks))
        self.task = 0

    def forward(self, x):
        return self.base(x) + 2.0 * (x @ self.A[self.task].t() @ self.B[self.task].t())


x = torch.randn(1200, 16)
goals = [(x @ torch.randn(16, 4)).argmax(1) for _ in range(2)]
model = nn.Sequential(LoraLinear(nn.Linear(16, 48)), nn.ReLU(), LoraLinear(nn.Linear(48, 4)))
optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-3)
for task in (0, 1):
    for layer in (model[0], model[2]):
        layer.task = task
    for step in range(200):
        rows = torch.randint(0, 1200, (40,))
        loss = nn.functional.cross_entropy(model(x[rows]), goals[task][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(task, loss.item())
