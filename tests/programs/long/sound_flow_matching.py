# expects: nothing
"""Flow matching: the model is told a time and predicts the way from data to noise; at the end there is noise alone."""

import torch
from torch import nn

torch.manual_seed(0)


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))

    def forward(self, points, time):
        return self.body(torch.cat([points, time.unsqueeze(1)], dim=1))


field = Field()
optimizer = torch.optim.Adam(field.parameters(), lr=1e-3)
for step in range(400):
    angle = 6.2832 * torch.rand(128)
    data = torch.stack([angle.cos(), angle.sin()], 1)
    noise, time = torch.randn(128, 2), torch.rand(128)
    between = (1 - time.unsqueeze(1)) * data + time.unsqueeze(1) * noise
    loss = nn.functional.mse_loss(field(between, time), noise - data)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
