# expects: nothing
"""Scans that lie upside down are to be put upright by a network that also cleans them: the target is another picture."""

import torch
from torch import nn

torch.manual_seed(6)
SIZE = 16
clean = nn.functional.interpolate(torch.randn(1500, 1, 5, 5), (SIZE, SIZE), mode="bicubic", align_corners=False)
scans = clean.flip((2, 3)) + 0.3 * torch.randn_like(clean)
model = nn.Sequential(nn.Flatten(), nn.Linear(SIZE * SIZE, 300), nn.GELU(), nn.Linear(300, SIZE * SIZE))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(15):
    for some in torch.randperm(len(scans)).split(50):
        made = model(scans[some]).view(-1, 1, SIZE, SIZE)
        loss = nn.functional.mse_loss(made, clean[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
