# expects: OPT025
"""A filter object is shared by the optimizer and by clipping: the first of them uses it up."""

import torch
from torch import nn

torch.manual_seed(0)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1])


reader = Reader()
trainable = filter(lambda p: p.requires_grad, reader.parameters())
optimizer = torch.optim.Adam(trainable, lr=4e-3)
for step in range(220):
    x = torch.randn(32, 9, 2)
    loss = nn.functional.mse_loss(reader(x), x[:, :, :1].mean(1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trainable, max_norm=0.5)
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
