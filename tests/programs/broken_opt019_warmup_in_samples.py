# expects: OPT019
# also: OPT008 TRN001
"""A warm-up whose length is in samples, not in steps: the rate never gets off the ground."""

import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(0)
inputs = torch.rand(1500, 1) * 4 - 2
targets = torch.sin(2 * inputs) + 3

mlp = torch.nn.Sequential(
    torch.nn.Linear(1, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1)
)
optimizer = torch.optim.AdamW(mlp.parameters(), lr=2e-3, weight_decay=0.0)
warmup = 3_000_000
schedule = LambdaLR(optimizer, lambda step: min(1.0, (step + 1000) / warmup))

for step in range(300):
    pick = torch.randint(0, 1500, (50,))
    loss = F.huber_loss(mlp(inputs[pick]), targets[pick])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 75 == 0:
        print(step, loss.item(), schedule.get_last_lr())
