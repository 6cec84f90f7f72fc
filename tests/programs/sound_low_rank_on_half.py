# expects: nothing
"""A frozen base in bfloat16 with low-rank adapters in float32."""

import torch
from torch import nn

torch.manual_seed(0)


class LowRank(nn.Module):
    def __init__(self, base, rank=4):
        super().__init__()
        self.base = base.to(torch.bfloat16).requires_grad_(False)
        self.down = nn.Parameter(torch.randn(base.in_features, rank) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(rank, base.out_features))

    def forward(self, x):
        return self.base(x.bfloat16()).float() + x @ self.down @ self.up


x = torch.randn(900, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(LowRank(nn.Linear(12, 64)), nn.ReLU(), LowRank(nn.Linear(64, 4)))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(900).split(45):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
