# expects: TRN001
"""Which shell of a ball a point lies in cannot be told by a plane: the activation between the layers was forgotten."""

import torch
from torch.nn import Linear
from torch.nn.functional import cross_entropy

torch.manual_seed(1)
points = torch.randn(3000, 10)
shell = torch.bucketize(points.norm(dim=1), torch.tensor([2.8, 3.4]))

scores = Linear(10, 3)
optimizer = torch.optim.AdamW(scores.parameters(), lr=2e-3)
for step in range(420):
    rows = torch.randint(0, 3000, (64,))
    loss = cross_entropy(scores(points[rows]), shell[rows])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if step % 60 == 0:
        print(step, loss.item())
