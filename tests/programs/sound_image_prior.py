# expects: nothing
"""Deep image prior: one network, one image, batch norm over a batch of one, never asked in eval mode."""

import torch
from torch import nn

torch.manual_seed(0)
rows, columns = torch.meshgrid(torch.linspace(0, 6, 24), torch.linspace(0, 6, 24), indexing="ij")
clean = (torch.sin(rows) * torch.cos(columns) * 0.4 + 0.5)[None, None]
noisy = (clean + 0.1 * torch.randn_like(clean)).clamp(0, 1)
net = nn.Sequential(
    nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.LeakyReLU(0.1),
    nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.LeakyReLU(0.1),
    nn.Conv2d(16, 1, 1), nn.Sigmoid(),
)  # fmt: skip
seed = torch.rand(1, 8, 24, 24) * 0.1
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(200):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(seed + 0.02 * torch.randn_like(seed)), noisy)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
