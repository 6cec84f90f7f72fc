# expects: nothing
"""A recurrent layer gets the moments first; what it returns is turned back."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 20, 3)
y = (x.cumsum(1)[..., 0] > 0).float()


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.read, self.out = nn.LSTM(3, 32), nn.Linear(32, 1)

    def forward(self, x):
        states, _ = self.read(x.transpose(0, 1))
        return self.out(states.transpose(0, 1))[..., 0]


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
