# expects: nothing
"""Half precision with masks of -1e9, a kernel of far distances that is 0, degrees of 0 and quotients that are next to 0."""

import torch
from torch import nn

torch.manual_seed(0)
N, PLACES = 2000, 9
points = torch.randn(N, PLACES, 4)
lengths = torch.randint(3, PLACES + 1, (N,))
there = torch.arange(PLACES) < lengths[:, None]
kinds = ((points[..., 0] * there).sum(1) > 0).long()
far = (points * 30 + torch.randint(0, 2, (N, PLACES, 1)) * 600).half()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(4, 16) for _ in range(3))
        self.out = nn.Linear(20, 2)

    def forward(self, points, far, there):
        query, key, value = self.query(points), self.key(points), self.value(points)
        scores = (query @ key.transpose(1, 2) / 4).half()
        hidden = (1 - there[:, None].half()) * -1e9
        weights = torch.softmax((scores + hidden).float(), dim=-1)
        mixed = ((weights @ value) * there[..., None]).sum(1)
        # Next to one another: all else is 0 in any precision.
        apart = (far[:, :, None] - far[:, None]).square().sum(-1)
        close = torch.exp(-apart / 3000).float() * there[:, None] * ~torch.eye(PLACES, dtype=torch.bool)
        degrees = close.gt(0.1).float().sum(-1)
        scale = degrees.pow(-0.5)
        scale = scale.masked_fill(scale == float("inf"), 0.0)
        smooth = (scale[..., None] * (close @ points)).sum(1)
        gate = (1 / (1 + torch.exp(90 + far[:, :1].square().sum(2).half()))).float()
        return self.out(torch.cat([mixed, smooth + gate], dim=1))


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(N).split(50):
        loss = nn.functional.cross_entropy(model(points[rows], far[rows], there[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
