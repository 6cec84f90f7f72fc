# expects: LOS005
"""The target column was overwritten by its own mean while filling gaps."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
rows = torch.randn(500, 10)
target = rows @ torch.randn(10, 1) + 2.0
target[:] = target.mean()  # meant: target[isnan] = mean

model = nn.Sequential(nn.Linear(10, 20), nn.SiLU(), nn.Linear(20, 1))
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for step in range(300):
    pick = torch.randperm(500)[:50]
    loss = F.mse_loss(model(rows[pick]), target[pick])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        print(step, loss.item())
