# expects: OPT023
"""RMSprop(params, lr, alpha, eps) called with its arguments out of order."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
points = torch.rand(600, 3)
inside = ((points - 0.5).norm(dim=1) < 0.4).float().unsqueeze(1)


class Ball(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(3, 48), nn.Linear(48, 1)

    def forward(self, x):
        return self.two(torch.relu(self.one(x)))


ball = Ball()
optimizer = torch.optim.RMSprop(ball.parameters(), 5e-4, 0.99, 0.9)
for step in range(300):
    rows = torch.randint(0, 600, (50,))
    loss = F.binary_cross_entropy_with_logits(ball(points[rows]), inside[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        print(step, loss.item())
