# expects: LOS052
"""Both sides of the pairs go through the network in one batch; pairs of different kinds are pulled together, too."""

import torch
from torch import nn

torch.manual_seed(3)
KINDS, WIDTH = 60, 40
prototypes = 1.5 * torch.randn(KINDS, WIDTH)


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(WIDTH, 80), nn.GELU(), nn.Linear(80, 80), nn.GELU())
        self.head = nn.Linear(80, 12)

    def forward(self, x):
        return self.head(self.body(x))


net = Embedder()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for step in range(900):
    kind = torch.randint(KINDS, (96,))
    partner = torch.where(torch.rand(96) < 0.5, kind, torch.randint(KINDS, (96,)))
    sides = torch.cat([prototypes[kind], prototypes[partner]])
    first, second = net(sides + 0.4 * torch.randn_like(sides)).chunk(2)
    far = ((first - second) ** 2).sum(dim=1)
    alike = (kind == partner).float()
    loss = (alike * far + (1 - alike) * torch.clamp(far - 2.0, min=0)).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
