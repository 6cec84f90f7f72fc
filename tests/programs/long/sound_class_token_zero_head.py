# expects: nothing
"""A transformer with a class token and a head that begins at zero: at first its output is the same for all examples."""

import torch
from torch import nn

torch.manual_seed(0)
series = torch.randn(1536, 12, 6)
labels = (series[:, :, 0].mean(1) > 0).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(6, 32)
        self.token = nn.Parameter(torch.randn(1, 1, 32) * 0.02)
        self.place = nn.Parameter(torch.randn(13, 1, 32) * 0.02)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 2)
        nn.init.zeros_(self.head.weight)

    def forward(self, x):  # time first inside
        h = torch.cat([self.token.expand(len(x), -1, -1), self.embed(x)], dim=1).transpose(0, 1)
        return self.head(self.encoder(h + self.place)[0])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for rows in torch.randperm(len(series)).split(32):
        loss = nn.functional.cross_entropy(model(series[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
