# expects: nothing
"""Two networks, one scaler: each is unscaled and clipped before its step; a plateau schedule for one of them."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(900, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
encoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
head = nn.Linear(32, 3)
optimizers = [torch.optim.AdamW(encoder.parameters(), lr=2e-3), torch.optim.SGD(head.parameters(), lr=0.05)]
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizers[1], patience=1)
scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
for epoch in range(12):
    total = 0.0
    for rows in torch.randperm(900).split(45):
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(head(encoder(x[rows])), y[rows])
        scaler.scale(loss).backward()
        for optimizer, part in zip(optimizers, (encoder, head)):
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(part.parameters(), 1.0)
            scaler.step(optimizer)
        scaler.update()
        total += loss.item()
    plateau.step(total)
    print(epoch, total)
