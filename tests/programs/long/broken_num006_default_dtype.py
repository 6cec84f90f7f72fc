# expects: NUM006
"""`torch.set_default_dtype(torch.float16)` to save memory, and Adam with its usual epsilon."""

import torch
from torch import nn, optim

torch.manual_seed(0)
torch.set_default_dtype(torch.float16)


class Mix(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(10, 40)
        self.norm = nn.LayerNorm(40)
        self.last = nn.Linear(40, 3)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


x = torch.randn(800, 10)
y = (x.float() @ torch.randn(10, 3).float()).argmax(1)
model = Mix()
optimizer = optim.Adam(model.parameters(), lr=2e-3)
for step in range(200):
    rows = torch.randint(0, 800, (40,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
