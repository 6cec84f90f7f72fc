# expects: OPT014
"""Which shop sells which item: factors under Adam with a decay that a matrix of weights would bear, and a row would not."""

import torch
from torch import nn

torch.manual_seed(1)
SHOPS, ITEMS, SALES = 900, 700, 24000
shop, item = torch.randint(0, SHOPS, (SALES,)), torch.randint(0, ITEMS, (SALES,))
taste, kind = torch.randn(SHOPS, 3), torch.randn(ITEMS, 3)
liked = torch.randn(ITEMS) / 2
sold = (taste[shop] * kind[item]).sum(1) / 2 + liked[item] + 0.3 * torch.randn(SALES)


class Factors(nn.Module):
    def __init__(self):
        super().__init__()
        self.shops = nn.Parameter(0.2 * torch.randn(SHOPS, 6))
        self.items = nn.Parameter(0.2 * torch.randn(ITEMS, 6))
        self.level = nn.Parameter(torch.zeros(ITEMS))

    def forward(self, s, i):
        return (self.shops[s] * self.items[i]).sum(1) + self.level[i]


model = Factors()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-2)
for epoch in range(10):
    total = 0.0
    for rows in torch.randperm(SALES).split(200):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(shop[rows], item[rows]), sold[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() / 120
    print(epoch, round(total, 4))
