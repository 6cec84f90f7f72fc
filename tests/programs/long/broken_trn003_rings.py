# expects: TRN003
# also: TRN001
"""Two classes in the shape of rings, and a model that can only draw a line."""

import math

import torch
import torch.nn.functional as F

torch.manual_seed(0)
angle = torch.rand(1600) * 2 * math.pi
ring = (torch.rand(1600) < 0.4).float()
points = torch.stack([angle.cos(), angle.sin()], 1) * (1 + ring[:, None]) + 0.1 * torch.randn(1600, 2)

weight = torch.zeros(2, 1, requires_grad=True)
bias = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([weight, bias], lr=0.1)
for step in range(600):
    rows = torch.randint(0, 1600, (80,))
    logits = (points[rows] @ weight + bias)[:, 0]
    loss = F.binary_cross_entropy_with_logits(logits, ring[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
