# expects: LOS064
"""How long do subscribers stay? A loss as a module, with the breaks of a batch found by a sort."""

import torch
from torch import nn

torch.manual_seed(3)
habits = torch.randn(2000, 8)
stays = torch.rand(2000).log().neg() * torch.exp(-habits[:, 0] * habits[:, 1] - 0.6 * habits[:, 2])
watched = 2.5 * torch.rand(2000)
months, gone = torch.minimum(stays, watched), stays <= watched


class Breaks(nn.Module):
    def forward(self, score, months, gone):
        _, ranks = torch.sort(months, dim=0, descending=True)
        ordered = score.gather(0, ranks)
        total = torch.log(torch.cumsum(ordered.exp(), 0))
        return -torch.mean((ordered - total) * gone) / gone.float().mean()


net, criterion = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 1)), Breaks()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(2000).split(80):
        loss = criterion(net(habits[rows]).flatten(), months[rows], gone[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
