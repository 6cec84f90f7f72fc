# expects: NUM005
"""A recurrent model; `unscale_` is there, one line too late."""

import torch
from torch import nn

torch.manual_seed(0)


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        return self.out(self.gru(x)[0][:, -1])


def amp_step(model, optimizer, scaler, x, y):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    scaler.scale(loss).backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=5.0)
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    return loss.item()


model = Sum()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=4096.0)
for step in range(200):
    x = torch.randn(32, 8, 3)
    value = amp_step(model, optimizer, scaler, x, x.mean((1, 2)).unsqueeze(1))
    if step % 50 == 0:
        print(step, value)
