# expects: OPT004
"""Gradients are set to None by hand, one line too early; accumulation over two halves of a batch."""

import torch

torch.manual_seed(0)
x = torch.rand(512, 2) * 2 - 1
y = ((x**2).sum(1, keepdim=True) < 0.6).float()


class Disc(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(2, 32)
        self.b = torch.nn.Linear(32, 1)

    def forward(self, p):
        return self.b(torch.nn.functional.relu(self.a(p)))


model = Disc()
opt = torch.optim.RMSprop(model.parameters(), lr=2e-3)
bce = torch.nn.BCEWithLogitsLoss()
for step in range(200):
    rows = torch.randint(0, 512, (64,))
    for half in rows.chunk(2):
        (bce(model(x[half]), y[half]) / 2).backward()
    for p in model.parameters():
        p.grad = None
    opt.step()
    if step % 50 == 49:
        with torch.no_grad():
            print(step, ((model(x) > 0) == (y > 0.5)).float().mean().item())
