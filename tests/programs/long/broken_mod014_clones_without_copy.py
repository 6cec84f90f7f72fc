# expects: MOD014
"""`clones` gives back the same layer each time; the copy was forgotten."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


def clones(module, n):
    return nn.ModuleList([module for _ in range(n)])


class Encoder(nn.Module):
    def __init__(self, layer, n):
        super().__init__()
        self.layers = clones(layer, n)
        self.norm = nn.LayerNorm(32)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(5, 32)
        self.encoder = Encoder(nn.TransformerEncoderLayer(32, 4, 48, dropout=0.0, batch_first=True), 3)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        return self.out(self.encoder(self.inp(x)).amax(1))


x = torch.randn(900, 6, 5)
y = (x[:, :, 0].amax(1) > 1.2).long()
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for rows in torch.randperm(900).split(30):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
